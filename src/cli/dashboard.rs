//! `talkdeck` without a subcommand: composes the dashboard.

use std::{
    collections::BTreeSet,
    env,
    io::{self, IsTerminal},
    sync::Arc,
};

use jiff::tz::TimeZone;

use super::{
    Exit, Fault, first_start,
    session::{Context, Patience, Session, chosen},
};
use crate::{
    config::{Config, ServerChoice},
    model::{Draft, ServerId, draft::Slot},
    store::Store,
    tracker::Tracker,
    tui::{self, End, Look, ReloadServer, Services, Settings, StartPreview},
};

/// Opens the dashboard and stays until the user leaves.
pub(super) async fn run(context: &Context, color: bool) -> Result<Exit, Fault> {
    check_terminal()?;
    let config = &context.config;
    let look = look(config, color).map_err(|error| Fault::new(Exit::Usage, error.to_string()))?;
    let store = context.store()?;
    first_start::write_portrait(&config.places.sample_portrait())?;
    let (slot, draft) = draft(context, &store)?;
    let server = chosen(context)?;
    let settings = Settings {
        server: server
            .as_ref()
            .map_or_else(ServerId::preview, |server| server.id.clone()),
        draft,
        slot,
        confirm: config.confirm,
        budget: config.budget,
        time_zone: TimeZone::system(),
    };
    let Session {
        store,
        tracker,
        reports,
        embedded,
    } = Session::open(context, store, Patience::default())?;
    if let Some(server) = server {
        tracker.add_server(server).await?;
    }
    add_servers_of_live_jobs(context, &settings.server, &store, &tracker).await?;
    let services = Services {
        tracker,
        reports,
        store,
        start_preview: {
            let embedded = embedded.clone();
            let start: StartPreview = Arc::new(move || {
                let embedded = embedded.clone();
                Box::pin(async move { embedded.start().await.map_err(|fault| fault.line()) })
            });
            start
        },
        reload_server: {
            let config = config.clone();
            let reload: ReloadServer =
                Arc::new(move || match config.with_key_afresh().choose_server() {
                    Ok(ServerChoice::Fal(server) | ServerChoice::At(server)) => Ok(Some(server)),
                    Ok(ServerChoice::Preview) => Ok(None),
                    Err(error) => Err(error.to_string().into()),
                });
            reload
        },
    };
    let end = tui::run(look, settings, services).await;
    embedded.stop().await;
    let end = end.map_err(|error| {
        Fault::new(Exit::Usage, format!("the terminal cannot be used: {error}"))
    })?;
    Ok(match end {
        End::Quit => Exit::Done,
        End::TerminalGone => Exit::Interrupted,
        End::Signal(number) => {
            // Whoever sent it sees that it was heeded. Where the signal is ignored, the exit code says it.
            let _ = signal_hook::low_level::emulate_default_handler(number);
            Exit::Interrupted
        }
    })
}

/// The theme and the keys that the configuration names.
pub(super) fn look(config: &Config, color: bool) -> Result<Look, tui::Error> {
    let themes = config.places.config_dir.join("themes");
    Look::new(&config.theme, &themes, &config.keys, color)
}

/// Brings in the servers at which jobs of earlier commands still run, where their key is here.
///
/// Where it is not, the jobs say so themselves. The embedded server is the dashboard's own affair.
async fn add_servers_of_live_jobs(
    context: &Context,
    chosen: &ServerId,
    store: &Store,
    tracker: &Tracker,
) -> Result<(), Fault> {
    let servers: BTreeSet<ServerId> = store
        .live()?
        .into_iter()
        .map(|(job, _)| job.account.server)
        .filter(|id| id != chosen)
        .collect();
    for id in servers {
        if let Ok(Some(server)) = context.config.server_of(&id) {
            tracker.add_server(server).await?;
        }
    }
    Ok(())
}

/// What the editor held last, or a draft that is ready to be sent.
fn draft(context: &Context, store: &Store) -> Result<(Slot, Draft), Fault> {
    let mut kept = store.drafts()?.into_iter();
    let kept = kept.find(|kept| !matches!(kept.slot, Slot::Template(_)));
    Ok(kept.map_or_else(
        || {
            let portrait = context.config.places.sample_portrait();
            (
                Slot::Editor,
                first_start::draft(&context.catalog, &portrait),
            )
        },
        |kept| (kept.slot, kept.draft),
    ))
}

/// A dashboard in a pipe, or on a terminal that cannot move its cursor, would only spoil what is there.
fn check_terminal() -> Result<(), Fault> {
    const WAY_OUT: &str =
        "use the subcommands, such as `talkdeck submit … --json`; `talkdeck --help` lists them";
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(Fault::new(
            Exit::Usage,
            format!("the dashboard needs a terminal, and this is none; {WAY_OUT}"),
        ));
    }
    if env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb") {
        return Err(Fault::new(
            Exit::Usage,
            format!(
                "the dashboard needs a terminal that can place text, and TERM says this one cannot; {WAY_OUT}"
            ),
        ));
    }
    Ok(())
}
