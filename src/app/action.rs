//! What the user can want, and where.

/// Something the user wants; keys, the command palette and the config file name these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Check the draft and send it.
    Submit,
    /// Send the draft to the embedded server, whatever the key.
    TryInPreview,
    /// Send the draft with several values.
    Sweep,
    /// Open the list of all commands.
    OpenPalette,
    /// Open the help.
    OpenHelp,
    /// Leave, after asking when something is under way.
    Quit,
    /// Leave when pressed twice.
    Interrupt,
    /// Hand the terminal back to the shell.
    Suspend,
    /// Give the focused pane the whole screen, or give it back.
    ToggleZoom,
    /// Go to the next pane.
    NextPane,
    /// Go to the pane before.
    PreviousPane,
    /// Go to the request editor.
    FocusRequest,
    /// Go to the jobs.
    FocusJobs,
    /// Go to the lower right pane.
    FocusLog,
    /// Leave whatever is on top: a notice, a search, the detail.
    Back,
    /// Go down by one.
    Down,
    /// Go up by one.
    Up,
    /// Go to the first.
    Top,
    /// Go to the last.
    Bottom,
    /// Go down by half a page.
    HalfPageDown,
    /// Go up by half a page.
    HalfPageUp,
    /// Show everything about the selected job.
    OpenDetail,
    /// Load a copy of the selected job into the editor.
    EditJob,
    /// Send the selected job once more.
    ResubmitJob,
    /// Ask the server to stop the selected job, or drop one that was not sent.
    CancelJob,
    /// Save the selected job's result again.
    DownloadJob,
    /// Choose something of the selected job to copy.
    CopyFromJob,
    /// Type a text that the listed jobs must contain.
    FilterJobs,
    /// Mark the selected job, or take the mark away.
    MarkJob,
    /// Show what differs between two jobs.
    CompareJobs,
    /// Show the selected sweep as one row, or its jobs.
    FoldSweep,
    /// Delete the record of the selected job.
    DeleteJob,
    /// Send a job that an earlier run left unsent.
    SendHeld,
    /// Ask the server now what became of an unconfirmed job.
    SettleJob,
    /// Send what waits, after the account was unlocked or the key replaced.
    ResumeOutbox,
    /// Keep the newest log line in sight, or stop doing so.
    ToggleFollow,
    /// Type a text to look for in the log.
    SearchLog,
    /// Go to the next place that the search found.
    NextMatch,
    /// Go to the place before.
    PreviousMatch,
    /// Show fewer levels of the log, then all again.
    CycleLevel,
    /// Break long log lines, or cut them.
    ToggleWrap,
    /// Copy the selected log line.
    CopyLine,
    /// Edit the selected field.
    EditField,
    /// Choose the next value of the selected field.
    NextValue,
    /// Choose the value before.
    PreviousValue,
    /// Take back the last change.
    Undo,
    /// Make the change again.
    Redo,
    /// Write the selected text in `$EDITOR`.
    OpenEditor,
    /// Write all arguments as JSON in `$EDITOR`.
    EditRaw,
    /// Go to the file field and list files.
    PickFile,
    /// Set the frames so that they hold the script.
    FitFrames,
    /// Make several jobs of a script that is too long for one video.
    SplitScript,
    /// Draw another seed.
    NewSeed,
    /// Copy the draft for a shell or a program.
    CopyDraft,
    /// Choose another endpoint for the draft.
    ChooseEndpoint,
    /// List the drafts: open, keep, delete, read or write one.
    OpenDrafts,
    /// Start again from the endpoint's defaults.
    NewDraft,
    /// Complete the path, or go on to the next field.
    Complete,
    /// Go back to the field before.
    PreviousField,
    /// Stop typing.
    Leave,
    /// Say yes to what is on top.
    Accept,
    /// Go to the next answer.
    NextAnswer,
    /// Go to the answer before.
    PreviousAnswer,
}

/// Where a key counts. Several are in force at once; the first that knows the key wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Whatever is on the screen.
    Anywhere,
    /// Wherever no modal is open.
    Deck,
    /// In every pane while nothing is typed.
    Browse,
    /// In the jobs, the log and the detail.
    List,
    /// In the jobs.
    Jobs,
    /// In the log.
    Log,
    /// In the request editor, between fields.
    Form,
    /// In a field of the request editor.
    Typing,
    /// In a search or filter line.
    Prompt,
    /// In a list that pops up.
    Menu,
    /// In the values of a sweep.
    Grid,
    /// In a question.
    Question,
    /// In the help.
    Reader,
}

impl Context {
    /// All of them, in the order in which help shows them.
    pub const ALL: [Self; 13] = [
        Self::Anywhere,
        Self::Deck,
        Self::Browse,
        Self::List,
        Self::Jobs,
        Self::Log,
        Self::Form,
        Self::Typing,
        Self::Prompt,
        Self::Menu,
        Self::Grid,
        Self::Question,
        Self::Reader,
    ];

    /// Every set of contexts that can be in force together, the most particular first.
    pub const STACKS: [&[Self]; 10] = [
        &[
            Self::Jobs,
            Self::List,
            Self::Browse,
            Self::Deck,
            Self::Anywhere,
        ],
        &[
            Self::Log,
            Self::List,
            Self::Browse,
            Self::Deck,
            Self::Anywhere,
        ],
        // The detail shows a job: what can be done to jobs can be done here.
        &[
            Self::List,
            Self::Jobs,
            Self::Browse,
            Self::Deck,
            Self::Anywhere,
        ],
        &[Self::Form, Self::Browse, Self::Deck, Self::Anywhere],
        &[Self::Typing, Self::Deck, Self::Anywhere],
        &[Self::Prompt, Self::Anywhere],
        &[Self::Menu, Self::Anywhere],
        &[Self::Grid, Self::Anywhere],
        &[Self::Question, Self::Anywhere],
        &[Self::Reader, Self::Anywhere],
    ];

    /// The heading over its keys.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Anywhere => "Anywhere",
            Self::Deck => "Outside of questions",
            Self::Browse => "Panes",
            Self::List => "Jobs, log and detail",
            Self::Jobs => "Jobs",
            Self::Log => "Log",
            Self::Form => "Request",
            Self::Typing => "Inside a field",
            Self::Prompt => "Search and filter",
            Self::Menu => "Lists that pop up",
            Self::Grid => "Values of a sweep",
            Self::Question => "Questions",
            Self::Reader => "Help",
        }
    }
}

/// One row of the key table, as the screens need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Where it counts.
    pub context: Context,
    /// What it does.
    pub action: Action,
    /// Its keys as people write them, such as `^S` or `j ↓`.
    pub keys: String,
    /// What it does, in a few words.
    pub description: &'static str,
    /// One or two words for the bottom line; empty where it is not worth the room.
    pub hint: &'static str,
}
