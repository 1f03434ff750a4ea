//! `kith key`.
//!
//! Over the wire through AdminService; with `--data` on the directory of a server that is stopped, which is how the
//! first key comes into being.

mod offline;

use std::path::PathBuf;

use super::app::App;
use super::exit::{Failure, Outcome};
use super::output;
use crate::client::{self, json};
use crate::config::Config;
use crate::engine::DEFAULT_WORKSPACE;
use crate::proto::v1::{
    ApiKey, CreateKeyRequest, CreateKeyResponse, ListKeysRequest, ListKeysResponse, RevokeKeyRequest,
    RevokeKeyResponse, Scope,
};

/// Create, list and revoke API keys.
///
/// A key is bound to one workspace. Over the wire that is the workspace of the key you call with, which needs the
/// scope admin. The first key is made with --data on the directory of a stopped server.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// Work on the database of a server that is stopped
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The workspace, with --data [default: default]
    #[arg(long, global = true, value_name = "NAME")]
    workspace: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Create a key and print its secret, this once
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it permits, separated by commas
        #[arg(long, value_enum, value_delimiter = ',', required = true)]
        scopes: Vec<ScopeArg>,
    },
    /// List the keys of the workspace, revoked ones too
    List,
    /// Revoke a key at once
    Revoke {
        /// Its id, as `list` shows it
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// A scope on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ScopeArg {
    /// Lookups, profiles, events and segments; shows the model
    Read,
    /// Facts, corrections of identities, and erasing people
    Write,
    /// Keys, stats and models; includes neither of the others
    Admin,
}

impl From<ScopeArg> for Scope {
    fn from(scope: ScopeArg) -> Self {
        match scope {
            ScopeArg::Read => Self::Read,
            ScopeArg::Write => Self::Write,
            ScopeArg::Admin => Self::Admin,
        }
    }
}

/// Does it at the server or in the directory.
pub async fn run(Args { command, data, workspace }: Args, app: &App) -> Result<Outcome, Failure> {
    let Some(directory) = data else {
        if workspace.is_some() {
            return Err(Failure::Usage("--workspace goes with --data: at a server it is that of the API key".into()));
        }
        return online(command, app).await;
    };
    let config = &Config { data: directory, ..app.config.clone() };
    let workspace = workspace.as_deref().unwrap_or(DEFAULT_WORKSPACE);
    match command {
        Command::Create { name, scopes } => {
            created(&offline::create(config, workspace, &name, &scopes).await?, app.json)
        }
        Command::List => listed(&offline::list(config, workspace)?, app.json),
        Command::Revoke { id } => revoked(&offline::revoke(config, workspace, &id).await?, app.json),
    }
}

async fn online(command: Command, app: &App) -> Result<Outcome, Failure> {
    let mut admin = app.connect().await?.admin();
    match command {
        Command::Create { name, scopes } => {
            let scopes = scopes.into_iter().map(|scope| Scope::from(scope).into()).collect();
            let request = CreateKeyRequest { name, scopes };
            created(&admin.create_key(request).await.map_err(client::Error::from)?.into_inner(), app.json)
        }
        Command::List => {
            listed(&admin.list_keys(ListKeysRequest {}).await.map_err(client::Error::from)?.into_inner(), app.json)
        }
        Command::Revoke { id } => {
            let request = RevokeKeyRequest { key_id: id };
            revoked(&admin.revoke_key(request).await.map_err(client::Error::from)?.into_inner(), app.json)
        }
    }
}

fn created(response: &CreateKeyResponse, as_json: bool) -> Result<Outcome, Failure> {
    if as_json {
        output::print_json(&json::message("CreateKeyResponse", response)?)?;
        return Ok(Outcome::Done);
    }
    let id = response.key.as_ref().map(|key| key.key_id.clone()).unwrap_or_default();
    output::print(&output::pairs([("key_id", id), ("secret", response.secret.clone())]))?;
    super::exit::complain("keep the secret now: it is stored nowhere and cannot be shown again");
    Ok(Outcome::Done)
}

fn listed(response: &ListKeysResponse, as_json: bool) -> Result<Outcome, Failure> {
    match as_json {
        true => output::print_json(&json::message("ListKeysResponse", response)?)?,
        false => output::print_table(&table(&response.keys))?,
    }
    Ok(Outcome::Done)
}

fn revoked(response: &RevokeKeyResponse, as_json: bool) -> Result<Outcome, Failure> {
    match as_json {
        true => output::print_json(&json::message("RevokeKeyResponse", response)?)?,
        false => output::print_table(&table(response.key.as_slice()))?,
    }
    Ok(Outcome::Done)
}

fn table(keys: &[ApiKey]) -> comfy_table::Table {
    let mut table = output::table(["key_id", "name", "scopes", "workspace", "created_at", "revoked_at"]);
    for key in keys {
        let scopes = key.scopes().map(|scope| output::enum_name(scope.as_str_name(), "SCOPE_").to_lowercase());
        table.add_row([
            output::plain(&key.key_id),
            output::plain(&key.name),
            scopes.collect::<Vec<_>>().join(","),
            output::plain(&key.workspace),
            key.created_at.as_ref().map(json::time).unwrap_or_default(),
            key.revoked_at.as_ref().map(json::time).unwrap_or_default(),
        ]);
    }
    table
}
