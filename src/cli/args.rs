//! What the command line takes.

use std::{env, net::SocketAddr, path::PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum, builder::PossibleValuesParser};
use clap_complete::Shell;
use url::Url;

use crate::{
    config::{self, Overrides},
    model::JobState,
};

const SERVER_VARIABLE: &str = "TALKDECK_SERVER";

const TOP_EXAMPLES: &str = "\
Examples:
  talkdeck                                          the dashboard
  talkdeck endpoints fal-ai/infinitalk/single-text  what a request may hold
  talkdeck submit fal-ai/infinitalk/single-text \\
      -i image_url=anna.png -i text_input='Good morning.' -i voice=Jessica \\
      -i prompt='A woman talks to the camera.' --wait --output takes
  talkdeck jobs --state in-progress --json | jq -r .id
  talkdeck resubmit 3f2a -i seed=7
  talkdeck watch

Servers and cost:
  Without a fal key everything runs on this machine, in the preview engine, and
  costs nothing. With FAL_KEY set, requests go to fal.ai and are billed; --local
  keeps them here.

Exit codes:
  0    done
  1    a job failed, was cancelled or expired
  2    usage or arguments, or a warning that wants --force
  3    key missing or refused, or account locked
  4    cannot reach the server
  5    unconfirmed: the answer to a submit was lost
  6    it would go beyond a cap; it is kept as a draft
  7    store unavailable
  130  interrupted; jobs go on at fal, their ids are printed";

const SUBMIT_EXAMPLES: &str = "\
Examples:
  What would be sent, and for how much:
    talkdeck submit fal-ai/infinitalk/single-text --input r.json --dry-run
  Send it, follow it to its end, and have the video in ./takes:
    talkdeck submit fal-ai/infinitalk/single-text --input r.json -i seed=7 \\
        --wait --output takes
  A script that begins with an @ of its own:
    … -i text_input='@@home we say hello.'
  Two voices, five seeds each: ten jobs, costed before the first is sent:
    … --sweep voice=Bill,Aria --sweep seed=1..5

`talkdeck endpoints ENDPOINT` lists the names and what they take.
A seed that is left out is drawn when the request is sent; the job tells it.
The command is the confirmation: it does not ask.";

const RESUBMIT_EXAMPLES: &str = "\
Examples:
  The same take with another voice:
    talkdeck resubmit 3f2a -i voice=Aria --wait
  A seed that talkdeck chose is drawn anew; one that you chose stays:
    talkdeck resubmit 3f2a -i seed=8";

const CONFIRM_EXAMPLES: &str = "\
Examples:
  Ask the server's list; adopts the request if only one fits, else lists those that could be it:
    talkdeck confirm 3f2a
  Say which one it is:
    talkdeck confirm 3f2a 764cabcf-b745-4b3e-ae38-1200304cf45b";

const SCENARIO: &str = "\
A scenario is a TOML file of faults, each for some calls of one kind:
    [[fault]]
    on = \"submit\"     submit, status, stream, result, cancel, upload, list, pricing or media
    nth = 1           the first call of its kind that is hit
    times = 1         and so many in a row; 0 is all that follow
    do = \"reset\"      reset, hang, status, html, slow or cut
    arrives = true    the server does what it was asked, and only its answer is lost
  status takes code (503), headers and body, html takes code (200);
  slow takes bytes (16) and seconds (0.1) for each piece of the answer, cut takes the bytes (64) that come through.
  runners = 1, at the top, is how many requests are rendered at the same time.";

/// Talking-avatar generation on fal.ai: a picture and a script go in, a lip-synced video comes out.
///
/// Without a subcommand it opens the dashboard.
#[derive(Debug, Parser)]
#[command(
    name = "talkdeck",
    version,
    max_term_width = 100,
    after_help = TOP_EXAMPLES,
    subcommand_value_name = "COMMAND",
    disable_help_subcommand = true
)]
pub struct Args {
    /// What holds for every subcommand.
    #[command(flatten)]
    pub global: Global,
    /// What to do; nothing means the dashboard.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that every subcommand takes, before or after its name.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// One fal-compatible origin for everything.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = SERVER_VARIABLE,
        hide_env_values = true,
        help = "Send everything to this fal-compatible server: https://host, or http://127.0.0.1:PORT"
    )]
    pub server: Option<String>,
    /// Use the embedded server and its preview engine, although a key or --server is there.
    #[arg(long, global = true)]
    pub local: bool,
    /// Keep jobs, results, state and cache under this directory.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "TALKDECK_DATA_DIR",
        hide_env_values = true,
        value_hint = clap::ValueHint::DirPath
    )]
    pub data_dir: Option<PathBuf>,
    /// Read this configuration file instead of the usual one.
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Print JSON lines, also on a terminal; a pipe gets them anyway.
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colours.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        help = "Colours: auto (on a terminal, unless NO_COLOR is set), always or never"
    )]
    pub color: Color,
}

impl Global {
    /// What of it the configuration wants to know. A blank variable counts as not set.
    ///
    /// # Errors
    /// When `--server` is no origin that a key may be sent to.
    pub fn overrides(&self) -> Result<Overrides, config::Error> {
        Ok(Overrides {
            data_dir: self
                .data_dir
                .clone()
                .filter(|dir| !dir.as_os_str().is_empty()),
            config: self.config.clone(),
            server: self.server()?,
            local: self.local,
        })
    }

    fn server(&self) -> Result<Option<Url>, config::Error> {
        let given = self.server.as_deref().unwrap_or_default();
        if given.trim().is_empty() {
            return Ok(None);
        }
        let option = if env::var(SERVER_VARIABLE).is_ok_and(|value| value == given) {
            SERVER_VARIABLE
        } else {
            "--server"
        };
        config::origin(given, option).map(Some)
    }
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Not at all.
    Never,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send a request, checked and priced; prints its job.
    #[command(after_help = SUBMIT_EXAMPLES)]
    Submit {
        /// What is to run, such as fal-ai/infinitalk/single-text.
        endpoint: String,
        /// The request.
        #[command(flatten)]
        request: Request,
    },
    /// Send a copy of a job, with changes.
    #[command(after_help = RESUBMIT_EXAMPLES)]
    Resubmit {
        /// The job to copy: its id, the beginning of it, or fal's request id.
        job: String,
        /// What is different.
        #[command(flatten)]
        request: Request,
    },
    /// List jobs, newest first.
    Jobs {
        /// Only jobs in this state; repeat it for several.
        #[arg(long, value_name = "STATE", value_parser = PossibleValuesParser::new(JobState::NAMES))]
        state: Vec<String>,
        /// Only jobs with this text in their name, ids, endpoint, arguments or error.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = count)]
        limit: u32,
    },
    /// Show one job with its arguments, output, files and error.
    Show {
        /// The job: its id, the beginning of it, or fal's request id.
        job: String,
    },
    /// Print a job's log.
    Logs {
        /// The job: its id, the beginning of it, or fal's request id.
        job: String,
        /// Go on until the job ends.
        #[arg(short, long)]
        follow: bool,
    },
    /// Follow jobs until they end, printing every change of state.
    Watch {
        /// The jobs: ids, beginnings of them, or fal's request ids; none means all that are under way.
        #[arg(value_name = "JOB")]
        jobs: Vec<String>,
    },
    /// Ask the server to cancel a job; it may have been billed all the same.
    Cancel {
        /// The job: its id, the beginning of it, or fal's request id.
        job: String,
    },
    /// Settle an unconfirmed job: ask the server's list, or say yourself what became of it.
    #[command(after_help = CONFIRM_EXAMPLES)]
    Confirm {
        /// The job: its id, or the beginning of it.
        job: String,
        /// The server's request that it is.
        #[arg(conflicts_with = "not_sent")]
        request_id: Option<String>,
        /// It was never sent: let it fail, so that it can be resubmitted. If it was sent after all, both are billed.
        #[arg(long)]
        not_sent: bool,
    },
    /// Fetch a job's result again, or into another directory.
    Download {
        /// The job: its id, the beginning of it, or fal's request id.
        job: String,
        /// Where to put copies of the files, which the printed job then lists; an existing file is never replaced.
        #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
        output: Option<PathBuf>,
    },
    /// List the endpoints, or the fields of one.
    Endpoints {
        /// The endpoint whose fields to list.
        endpoint: Option<String>,
    },
    /// Run the embedded fal-compatible server until interrupted; prints its address.
    #[command(after_help = SCENARIO)]
    Serve {
        /// The loopback address to listen on; port 0 takes a free one.
        #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0", value_parser = address)]
        listen: SocketAddr,
        /// Let calls go wrong as this file says, to try a client on a bad line.
        #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        scenario: Option<PathBuf>,
    },
    /// Print a shell's completion script.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// A request and what is to be done with it.
#[derive(Debug, ClapArgs)]
pub struct Request {
    /// Set one argument; repeated, the last wins.
    ///
    /// Text is taken as it is; numbers, booleans and choices are checked. A file field takes a path, a URL or a data
    /// URI; NAME=@PATH insists on a local file. A value that begins with an @ of its own is written with @@.
    #[arg(short = 'i', value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Read the arguments from a file; - is standard input. -i overrides it.
    ///
    /// It holds one JSON object, or several one after the other: a batch, which is checked and costed as a whole before
    /// the first of it is sent.
    #[arg(long, value_name = "FILE|-", value_hint = clap::ValueHint::FilePath)]
    pub input: Option<PathBuf>,
    /// Send it with several values of one field; repeated for other fields, each value meets each.
    ///
    /// VALUES are separated by commas, a comma inside one is written \\,; numbers also take 1..5 and random:5, choices
    /// * for all of them. It overrides -i.
    #[arg(long, value_name = "NAME=VALUES")]
    pub sweep: Vec<String>,
    /// Call the job this; otherwise it is named after its script.
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// Check everything and print what would be sent, without sending it.
    #[arg(long, conflicts_with_all = ["wait", "output"])]
    pub dry_run: bool,
    /// Send it although it goes beyond a cap, asks for what a job already has, or is cut off by the end of the video.
    #[arg(long)]
    pub force: bool,
    /// Follow the job to its end, printing every change of state.
    #[arg(long)]
    pub wait: bool,
    /// Copy the files here as well when the job is done, and list the copies as the job's files; needs --wait.
    #[arg(long, value_name = "DIR", requires = "wait", value_hint = clap::ValueHint::DirPath)]
    pub output: Option<PathBuf>,
}

fn count(text: &str) -> Result<u32, &'static str> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or("not a whole number from 1 on")
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let read = text.parse();
    read.map_err(|_| "no address; write it as 127.0.0.1:PORT")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent_and_every_option_explained() {
        let command = Args::command();
        command.clone().debug_assert();
        let commands = std::iter::once(&command).chain(command.get_subcommands());
        for of in commands {
            assert!(of.get_about().is_some(), "{}", of.get_name());
            for argument in of.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} {}",
                    of.get_name(),
                    argument.get_id()
                );
            }
        }
    }

    #[test]
    fn global_options_may_follow_the_subcommand() {
        let args = Args::parse_from(["talkdeck", "jobs", "--json", "--color", "never", "--local"]);
        assert!(args.global.json && args.global.local);
        assert_eq!(args.global.color, Color::Never);
    }

    #[test]
    fn files_are_put_somewhere_only_when_waited_for() {
        let parse = |more: &[&str]| {
            Args::try_parse_from(["talkdeck", "submit", "a/b"].iter().chain(more)).is_ok()
        };
        assert!(!parse(&["--output", "x"]));
        assert!(parse(&["--wait", "--output", "x"]));
        assert!(!parse(&["--wait", "--dry-run"]));
    }
}
