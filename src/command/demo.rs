//! `demo`: the demo world, served at once, with lines to paste.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ambient::Ambient;
use crate::api::encoding::form;
use crate::api::parameters::Parameters;
use crate::api::reference::EXAMPLE_KEY;
use crate::api::{curl, methods};
use crate::app::App;
use crate::command::fault::Fault;
use crate::command::output::Report;
use crate::command::serve::{check_loopback, open_alone, serve, start_log};
use crate::config::Server;
use crate::service::installation;
use crate::store::{FILE_NAME, OpenError, Options, Store};

/// The methods to show, in the order in which people need them.
const ORDER: &[&str] = &[
    "device_create",
    "did_create",
    "did_trunk_device_assign",
    "cli_add",
    "devices_get",
];

/// Requests of MOR's manual that need the examples: method, what is sent, and the key. Each succeeds after those before it.
const EXAMPLES: &[(&str, &str, &str)] = &[
    ("cli_info_get", "u=admin&cli=12345", "456789"),
    ("cli_delete", "u=admin&cli_number=12345", "456789"),
    ("device_callflow_get", "u=admin&device_id=100", "456789"),
    ("device_delete", "u=admin&device=123", "456789"),
    (
        "device_update",
        "u=admin&device=51&authentication=1&host=192.168.5.20&port=5060",
        "secret",
    ),
    (
        "did_details_update",
        "u=admin&did_id=6511&call_limit=5",
        "secret",
    ),
    ("did_subscription_stop", "u=admin&did_id=6511", "secret"),
    ("did_terminate", "u=admin&dids_id=6511", "secret"),
    ("did_make_free", "u=admin&dids_id=6511", "secret"),
    (
        "did_device_assign",
        "u=admin&device_id=1&did=37060000001",
        "secret",
    ),
    ("did_close", "u=admin&dids_id=1", "secret"),
    ("did_delete", "u=admin&dids_id=12", "secret"),
    ("provider_rules_get", "u=admin&provider_id=5", "secret"),
    (
        "ivr_dial_plan_update",
        "u=admin&ivr_dial_plan_id=1&time_period1=3&time_period2=2&time_period3=1",
        "secret",
    ),
    (
        "ivr_time_period_update",
        "u=admin&ivr_time_period_id=1&start_hour=9",
        "secret",
    ),
    ("quickforwards_dids_get", "u=admin", "123456"),
    (
        "quickforwards_did_update",
        "u=admin&did=37060503666&forward_to=37066603777&description=abyss",
        "123456",
    ),
    (
        "quickforwards_did_delete",
        "u=admin&did=37063042438",
        "123456",
    ),
    ("phonebooks_get", "u=admin&user_id=123", "456789"),
    (
        "phonebook_edit",
        "u=admin&phonebook_id=123&number=920355666&name=phonebook&speeddial=666",
        "456789",
    ),
];

/// The password of everyone in the demo world who has one.
const DEMO_PASSWORD: &str = "password";

/// Serve the demo world, and print calls to paste
///
/// The world is made in a temporary folder that goes away with the server, or in --data, where it stays. Its password
/// and keys are public, so it is served on loopback addresses only.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// A folder to keep the world in: a new one, one without a database, or one with a demo world
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Add what printed requests of MOR's manual need besides: more devices, DIDs, a CLI, a user, keys
    #[arg(long)]
    examples: bool,

    #[command(flatten)]
    server: Server,
}

impl Demo {
    pub(super) fn run(self, ambient: &Arc<Ambient>) -> Result<Report, Fault> {
        check_loopback(self.server.on.listen)?;
        let _log = start_log(&self.server);
        // The folder is kept until the server has stopped, then removed.
        let temporary;
        let data = match &self.data {
            Some(data) => data,
            None => {
                temporary = temporary_folder()?;
                temporary.path()
            }
        };
        let options = self.server.store_options();
        let (store, _lock) = open_alone(data, || self.open(data, options, ambient))?;
        let mut app = App::new(store, ambient.clone());
        // Only this machine reaches it, and people who try it out should find everything.
        app.has_public_metrics = self.server.metrics_listen.is_none();
        serve(app, &self.server, |url| hello(url, data, self.examples))
    }

    /// Opens the demo world in `data`, or makes a new one.
    fn open(&self, data: &Path, options: Options, ambient: &Ambient) -> Result<Store, Fault> {
        let now_ms = ambient.now_ms();
        let (at, has_examples) = (data.display(), self.examples);
        if !data.join(FILE_NAME).exists() {
            let fill = match has_examples {
                true => installation::fill_examples,
                false => installation::fill_demo,
            };
            return Store::create(data, options, |tx| {
                fill(tx, now_ms).map_err(|error| OpenError::from(error).into())
            });
        }
        if has_examples {
            return Err(Fault::Said(format!(
                "{at} holds a database, and --examples makes a new world: choose another folder"
            )));
        }
        let store = Store::open(data, options)?;
        match store.read(installation::is_demo)? {
            true => Ok(store),
            false => Err(Fault::Said(format!(
                "{at} holds a database that is not a demo world: choose another folder"
            ))),
        }
    }
}

fn temporary_folder() -> Result<tempfile::TempDir, Fault> {
    tempfile::Builder::new()
        .prefix("linebook-demo-")
        .tempdir()
        .map_err(|error| Fault::Said(format!("no temporary folder can be made: {error}")))
}

/// The address, and lines to paste.
fn hello(base: &str, data: &Path, has_examples: bool) -> String {
    let mut lines = vec![
        format!(
            "linebook's demo world listens on {base}, its database is in {}",
            data.display()
        ),
        format!(
            "linebook's web pages are at {base}/ (sign in as admin with the password {DEMO_PASSWORD})"
        ),
    ];
    if !has_examples {
        let how = "linebook demo --examples: the same with what more of the manual's requests need";
        lines.push(how.into());
    }
    lines.push(String::new());
    for method in ORDER.iter().filter_map(|name| methods::find(name)) {
        let example = method.example();
        lines.extend(example.map(|example| curl::example(base, method, &example, EXAMPLE_KEY)));
    }
    if has_examples {
        lines.push(String::new());
        lines.extend(EXAMPLES.iter().filter_map(|(method, sent, key)| {
            let method = methods::find(method)?;
            let sent = Parameters::new(form(sent.as_bytes()).ok()?).ok()?;
            Some(curl::line(base, method, &sent, method.order()?, key))
        }));
    }
    lines.join("\n")
}
