//! The terminal: entered once, left on every way out, and written to by a thread of its own.
//!
//! A frame is built in memory and handed to a writer thread with a single slot. A blocked line (a dead SSH session, ^S)
//! therefore blocks only that thread: no new frame is built until the last one is out, and the loop goes on.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, Once, PoisonError, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crossterm::{
    clipboard::CopyToClipboard,
    cursor::{Hide, Show},
    event::{DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange},
    queue,
    style::ResetColor,
    terminal::{
        BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
        disable_raw_mode, enable_raw_mode,
    },
};
use ratatui::{
    Frame, Terminal,
    backend::{Backend, ClearType, CrosstermBackend, WindowSize},
    buffer::Cell,
    layout::{Position, Rect, Size},
};
use tokio::sync::Notify;

use super::outside::Display;

/// What a terminal that reports no size is taken for.
const UNKNOWN_SIZE: Size = Size {
    width: 80,
    height: 24,
};

/// Bytes that OSC 52 carries; several terminals drop what is longer once it is encoded.
const LONGEST_COPY: usize = 74_994;

/// How long leaving waits for the last frame to get out.
const LAST_FRAME: Duration = Duration::from_millis(500);

/// Whether the terminal is ours right now, so that it is given back exactly once.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// Held while a frame is written, so that none gets out after the terminal was given back.
static WRITING: Mutex<()> = Mutex::new(());

/// The terminal while the program has it.
pub(super) struct Screen {
    terminal: Terminal<SizedBackend>,
    frame: SharedBuffer,
    writer: Writer,
}

impl Screen {
    /// Takes the terminal over: raw mode, alternate screen, bracketed paste, focus reports.
    ///
    /// The first call also installs a panic hook that gives the terminal back, lets the earlier hook print, and ends
    /// the program: a program whose task has panicked is not to be trusted with money.
    ///
    /// # Errors
    /// When standard output is no terminal or cannot be written to.
    pub(super) fn enter() -> io::Result<Self> {
        install_panic_hook();
        take()?;
        let output = stdout()?;
        let frame = SharedBuffer::default();
        let backend = SizedBackend(CrosstermBackend::new(frame.clone()));
        Ok(Self {
            terminal: Terminal::new(backend)?,
            frame,
            writer: Writer::start(output)?,
        })
    }
}

impl Display for Screen {
    fn size(&self) -> Size {
        terminal_size()
    }

    fn is_ready(&self) -> bool {
        self.writer.is_idle()
    }

    async fn ready(&self) {
        while !self.writer.is_idle() {
            self.writer.shared.written.notified().await;
        }
    }

    fn is_gone(&self) -> bool {
        self.writer.lock().gone
    }

    fn draw(&mut self, render: impl FnOnce(&mut Frame)) -> io::Result<()> {
        self.terminal.draw(render)?;
        let changes = std::mem::take(&mut *lock(&self.frame.0));
        if !changes.is_empty() {
            // A terminal that knows synchronised output shows the whole frame at once; others ignore the marks.
            let mut bytes = Vec::with_capacity(changes.len() + 16);
            queue!(bytes, BeginSynchronizedUpdate)?;
            bytes.extend(changes);
            queue!(bytes, EndSynchronizedUpdate)?;
            self.writer.write(bytes);
        }
        Ok(())
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        if text.len() > LONGEST_COPY {
            let size = text.len() / 1024;
            return Err(io::Error::other(format!(
                "{size} KiB are more than terminals take; `talkdeck show JOB --json` prints it"
            )));
        }
        // Goes out before the next frame, whole: a frame half-way through it would end up on the clipboard.
        queue!(self.frame.clone(), CopyToClipboard::to_clipboard_from(text))
    }

    fn redraw(&mut self) -> io::Result<()> {
        self.terminal
            .resize(Rect::from((Position::ORIGIN, terminal_size())))
    }

    fn leave(&mut self) {
        drop(self.writer.settle());
        restore();
    }

    fn reenter(&mut self) -> io::Result<()> {
        take()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.writer.stop();
        restore();
    }
}

/// The terminal's size in cells; one that reports none counts as 80×24.
fn terminal_size() -> Size {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Size {
            width: size.ws_col,
            height: size.ws_row,
        },
        _ => UNKNOWN_SIZE,
    }
}

/// Standard output as a file of its own, without the line buffer and the lock of `io::stdout`.
fn stdout() -> io::Result<File> {
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

/// Writes a frame unless the terminal was given back meanwhile, as after a panic.
fn write_if_entered(output: &mut File, frame: &[u8]) -> io::Result<()> {
    let _writing = lock(&WRITING);
    if ENTERED.load(Ordering::SeqCst) {
        output.write_all(frame)?;
    }
    Ok(())
}

/// Puts the terminal into our modes.
fn take() -> io::Result<()> {
    let mut output = stdout()?;
    enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    let mut modes = Vec::new();
    queue!(
        modes,
        EnterAlternateScreen,
        EnableBracketedPaste,
        EnableFocusChange,
        Hide
    )?;
    output.write_all(&modes).inspect_err(|_| restore())
}

/// Gives the terminal back if we have it. Errors are ignored: nothing is left that could be done about one.
fn restore() {
    // A frame that is half out ends first. On a line that takes nothing any more this does not wait for ever.
    let deadline = Instant::now() + LAST_FRAME;
    let mut writing = WRITING.try_lock();
    while matches!(writing, Err(TryLockError::WouldBlock)) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
        writing = WRITING.try_lock();
    }
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut modes = Vec::new();
    let _ = queue!(
        modes,
        EndSynchronizedUpdate,
        ResetColor,
        DisableFocusChange,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    if let Ok(mut output) = stdout() {
        let _ = output.write_all(&modes);
    }
    let _ = disable_raw_mode();
}

fn install_panic_hook() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let was_ours = ENTERED.load(Ordering::SeqCst);
            restore();
            previous(panic);
            if was_ours {
                std::process::exit(101);
            }
        }));
    });
}

/// Bytes of the frame that is being built.
#[derive(Clone, Default)]
struct SharedBuffer(Arc<Mutex<Vec<u8>>>);

impl Write for SharedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // The frame is handed over whole, when it is complete.
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks stays valid whatever panics beside it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes one frame after the other from a thread of its own.
struct Writer {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
    written: Notify,
}

#[derive(Default)]
struct Slot {
    frame: Option<Vec<u8>>,
    writing: bool,
    stopped: bool,
    gone: bool,
}

impl Writer {
    fn start(mut output: File) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("screen".to_owned())
            .spawn(move || {
                while let Some(frame) = of_thread.next_frame() {
                    let outcome = write_if_entered(&mut output, &frame);
                    let mut slot = lock(&of_thread.slot);
                    slot.writing = false;
                    slot.gone |= outcome.is_err();
                    of_thread.changed.notify_all();
                    of_thread.written.notify_one();
                }
            })?;
        Ok(Self { shared })
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        lock(&self.shared.slot)
    }

    fn is_idle(&self) -> bool {
        let slot = self.lock();
        slot.frame.is_none() && !slot.writing
    }

    fn write(&self, frame: Vec<u8>) {
        self.lock().frame = Some(frame);
        self.shared.changed.notify_all();
    }

    /// Lets the last frame out, but does not wait for ever.
    fn settle(&self) -> MutexGuard<'_, Slot> {
        let busy = |slot: &mut Slot| (slot.frame.is_some() || slot.writing) && !slot.gone;
        let waited = self
            .shared
            .changed
            .wait_timeout_while(self.lock(), LAST_FRAME, busy);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Ends the thread after the last frame.
    fn stop(&self) {
        self.settle().stopped = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    /// Waits for a frame; `None` when there will be no more.
    fn next_frame(&self) -> Option<Vec<u8>> {
        let slot = self.changed.wait_while(lock(&self.slot), |slot| {
            slot.frame.is_none() && !slot.stopped
        });
        let mut slot = slot.unwrap_or_else(PoisonError::into_inner);
        if slot.stopped || slot.gone {
            return None;
        }
        slot.writing = true;
        slot.frame.take()
    }
}

/// The crossterm backend with a size that is never zero and never asked of a child process.
struct SizedBackend(CrosstermBackend<SharedBuffer>);

impl Backend for SizedBackend {
    type Error = io::Error;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, content: I) -> io::Result<()> {
        self.0.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.0.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.0.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // Asking the terminal can hang on a dead line; nothing of ours depends on the answer.
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.0.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.0.clear()
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.0.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        Ok(terminal_size())
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: terminal_size(),
            pixels: Size::ZERO,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.0)
    }
}
