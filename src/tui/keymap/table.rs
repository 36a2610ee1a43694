//! The table of keys, and the names that the config file knows actions by.

use super::{Action, Binding, Context, Key};

/// A row of the table: where, which keys, what, in words, as a hint.
type Row = (Context, &'static str, Action, &'static str, &'static str);

/// One line a row, which the formatter would break up.
macro_rules! rows {
    ($($context:ident $keys:literal => $action:ident, $description:literal, $hint:literal;)*) => {
        &[$((Context::$context, $keys, Action::$action, $description, $hint)),*]
    };
}

/// The name of `action` under `[keys]`.
pub(super) const fn config_name(action: Action) -> &'static str {
    match action {
        Action::Submit => "submit",
        Action::TryInPreview => "try_in_preview",
        Action::Sweep => "sweep",
        Action::OpenPalette => "palette",
        Action::OpenHelp => "help",
        Action::Quit => "quit",
        Action::Interrupt => "interrupt",
        Action::Suspend => "suspend",
        Action::ToggleZoom => "zoom",
        Action::NextPane => "next_pane",
        Action::PreviousPane => "previous_pane",
        Action::FocusRequest => "request_pane",
        Action::FocusJobs => "jobs_pane",
        Action::FocusLog => "log_pane",
        Action::Back => "back",
        Action::Down => "down",
        Action::Up => "up",
        Action::Top => "top",
        Action::Bottom => "bottom",
        Action::HalfPageDown => "half_page_down",
        Action::HalfPageUp => "half_page_up",
        Action::OpenDetail => "detail",
        Action::EditJob => "edit_job",
        Action::ResubmitJob => "resubmit",
        Action::CancelJob => "cancel",
        Action::DownloadJob => "download",
        Action::CopyFromJob => "copy",
        Action::FilterJobs => "filter",
        Action::MarkJob => "mark",
        Action::CompareJobs => "compare",
        Action::FoldSweep => "fold",
        Action::DeleteJob => "delete",
        Action::SendHeld => "send_held",
        Action::SettleJob => "settle",
        Action::ResumeOutbox => "resume",
        Action::ToggleFollow => "follow",
        Action::SearchLog => "search",
        Action::NextMatch => "next_match",
        Action::PreviousMatch => "previous_match",
        Action::CycleLevel => "level",
        Action::ToggleWrap => "wrap",
        Action::CopyLine => "copy_line",
        Action::EditField => "edit_field",
        Action::NextValue => "next_value",
        Action::PreviousValue => "previous_value",
        Action::Undo => "undo",
        Action::Redo => "redo",
        Action::OpenEditor => "open_editor",
        Action::EditRaw => "raw",
        Action::PickFile => "pick_file",
        Action::FitFrames => "fit_frames",
        Action::SplitScript => "split",
        Action::NewSeed => "new_seed",
        Action::CopyDraft => "copy_draft",
        Action::ChooseEndpoint => "endpoint",
        Action::OpenDrafts => "drafts",
        Action::NewDraft => "new_draft",
        Action::Complete => "complete",
        Action::PreviousField => "previous_field",
        Action::Leave => "leave_field",
        Action::Accept => "accept",
        Action::NextAnswer => "next_answer",
        Action::PreviousAnswer => "previous_answer",
    }
}

/// All default keys. Within a context the rows stand in the order of help and hints.
const ROWS: &[Row] = rows! {
    Anywhere "ctrl-c"          => Interrupt, "quit, when pressed twice", "";
    Anywhere "ctrl-z"          => Suspend, "suspend talkdeck", "";
    Deck     "ctrl-s"          => Submit, "submit the request", "submit";
    Deck     "ctrl-t"          => TryInPreview, "try the request in the preview engine, free", "try free";
    Deck     "ctrl-g"          => Sweep, "sweep: send the request with several values", "sweep";
    Deck     "ctrl-p"          => OpenPalette, "list all commands", "";
    Browse   "tab"             => NextPane, "next pane", "pane";
    Browse   "shift-tab"       => PreviousPane, "previous pane", "";
    Browse   "1"               => FocusRequest, "go to the request", "";
    Browse   "2"               => FocusJobs, "go to the jobs", "";
    Browse   "3"               => FocusLog, "go to the log", "";
    Browse   "z"               => ToggleZoom, "zoom the pane, and back", "zoom";
    Browse   "esc"             => Back, "back: dismiss, close, clear", "back";
    Browse   ":"               => OpenPalette, "list all commands", "command";
    Browse   "?"               => OpenHelp, "show all keys", "help";
    List     "j down"          => Down, "down", "";
    List     "k up"            => Up, "up", "";
    List     "g home"          => Top, "to the first", "";
    List     "G end"           => Bottom, "to the last", "";
    List     "ctrl-d pagedown" => HalfPageDown, "half a page down", "";
    List     "ctrl-u pageup"   => HalfPageUp, "half a page up", "";
    List     "q"               => Quit, "quit", "";
    Jobs     "enter"           => OpenDetail, "show everything about the job", "detail";
    Jobs     "e"               => EditJob, "edit a copy of the job and resubmit it", "edit & resubmit";
    Jobs     "R"               => ResubmitJob, "resubmit the job as it is", "resubmit";
    Jobs     "x"               => CancelJob, "cancel the job", "cancel";
    Jobs     "S"               => SendHeld, "send a job that was held back, or waits for a cap", "send";
    Jobs     "u"               => SettleJob, "settle an unconfirmed job: ask the server, or say what it was", "settle";
    Jobs     "r"               => ResumeOutbox, "resume sending, once the account is unlocked or the key replaced", "resume";
    Jobs     "d"               => DownloadJob, "save the result again", "download";
    Jobs     "y"               => CopyFromJob, "copy the URL, an id, the arguments", "copy";
    Jobs     "space"           => MarkJob, "mark the job, or take the mark away", "mark";
    Jobs     "="               => CompareJobs, "compare two marked jobs, or the job with the one it was made from", "compare";
    Jobs     "f"               => FoldSweep, "fold a sweep into one row, or unfold it", "fold";
    Jobs     "/"               => FilterJobs, "filter the jobs", "filter";
    Jobs     "D"               => DeleteJob, "delete the record, never the files", "";
    Log      "f"               => ToggleFollow, "follow the newest line, or stop", "follow";
    Log      "/"               => SearchLog, "search the log", "search";
    Log      "n"               => NextMatch, "next match", "next";
    Log      "N"               => PreviousMatch, "previous match", "previous";
    Log      "l"               => CycleLevel, "show fewer levels, then all", "level";
    Log      "w"               => ToggleWrap, "wrap long lines, or cut them", "wrap";
    Log      "y"               => CopyLine, "copy the line", "copy line";
    Form     "enter"           => EditField, "edit the field, or list its values", "edit";
    Form     "up"              => Up, "field above", "";
    Form     "down"            => Down, "field below", "field";
    Form     "left"            => PreviousValue, "previous value", "";
    Form     "right"           => NextValue, "next value; a letter goes to the values that begin with it", "value";
    Form     "ctrl-u"          => Undo, "undo the last change of the request", "undo";
    Form     "ctrl-r"          => Redo, "redo it", "";
    Form     "ctrl-e"          => OpenEditor, "write the text in $EDITOR", "$EDITOR";
    Form     "ctrl-o"          => PickFile, "pick a file from a directory", "file";
    Form     "ctrl-f"          => FitFrames, "set the frames so that they hold the script", "fit frames";
    Form     ""                => SplitScript, "split a script that is too long for one video at its sentences", "";
    Form     "ctrl-n"          => NewSeed, "draw another seed", "new seed";
    Form     "ctrl-y"          => CopyDraft, "copy the request for a shell, curl, JavaScript or Python", "copy";
    Form     ""                => EditRaw, "raw: write all arguments as JSON in $EDITOR", "";
    Form     ""                => ChooseEndpoint, "choose another endpoint", "";
    Form     "ctrl-l"          => OpenDrafts, "list the drafts: open, keep, delete, read or write one", "drafts";
    Form     ""                => NewDraft, "start a new draft", "";
    Typing   "esc"             => Leave, "leave the field", "leave";
    Typing   "tab"             => Complete, "complete a path; elsewhere the next field", "complete, next";
    Typing   "shift-tab"       => PreviousField, "previous field", "";
    Typing   "ctrl-u"          => Undo, "undo", "undo";
    Typing   "ctrl-r"          => Redo, "redo", "redo";
    Typing   "ctrl-e"          => OpenEditor, "write the text in $EDITOR", "$EDITOR";
    Typing   "ctrl-o"          => PickFile, "pick a file from a directory", "";
    Typing   "ctrl-f"          => FitFrames, "set the frames so that they hold the script", "";
    Typing   "ctrl-n"          => NewSeed, "draw another seed", "";
    Prompt   "enter"           => Accept, "keep it", "keep";
    Prompt   "esc"             => Back, "give up", "give up";
    Menu     "enter"           => Accept, "take it", "take it";
    Menu     "up"              => Up, "up", "";
    Menu     "down"            => Down, "down", "down";
    Menu     "pageup"          => HalfPageUp, "half a page up", "";
    Menu     "pagedown"        => HalfPageDown, "half a page down", "";
    Menu     "esc"             => Back, "close", "close";
    Grid     "enter ctrl-s"    => Accept, "check and cost all of them", "check & cost";
    Grid     "up shift-tab"    => Up, "field above", "";
    Grid     "down tab"        => Down, "field below", "field";
    Grid     "esc"             => Back, "close; what was typed is kept", "close";
    Question "enter"           => Accept, "give the marked answer", "answer";
    Question "right tab"       => NextAnswer, "next answer", "other answer";
    Question "left shift-tab"  => PreviousAnswer, "previous answer", "";
    Question "esc"             => Back, "back", "back";
    Reader   "j down"          => Down, "down", "scroll";
    Reader   "k up"            => Up, "up", "";
    Reader   "g home"          => Top, "to the first", "";
    Reader   "G end"           => Bottom, "to the last", "";
    Reader   "ctrl-d pagedown" => HalfPageDown, "half a page down", "page";
    Reader   "ctrl-u pageup"   => HalfPageUp, "half a page up", "";
    Reader   "esc q ?"         => Back, "close", "close";
};

/// The table with its keys read.
pub(super) fn table() -> Vec<Binding> {
    let read = |key| Key::parse(key).expect("a test reads every default key");
    ROWS.iter()
        .map(|&(context, keys, action, description, hint)| Binding {
            context,
            keys: keys.split_whitespace().map(read).collect(),
            action,
            description,
            hint,
        })
        .collect()
}
