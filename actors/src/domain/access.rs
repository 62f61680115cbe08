//! Who may do what: roles for people, permissions for everything, and who is answerable for a change.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What somebody may do. Each is a scope of an API token too, under the same name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Permission {
    /// Read campaigns and their state.
    #[serde(rename = "campaigns:read")]
    ReadCampaigns,
    /// Create, edit, clone campaigns and delete drafts.
    #[serde(rename = "campaigns:write")]
    WriteCampaigns,
    /// Activate, pause, resume, stop, archive campaigns.
    #[serde(rename = "campaigns:run")]
    RunCampaigns,
    /// Read contacts and what came of their calls.
    #[serde(rename = "contacts:read")]
    ReadContacts,
    /// Import contacts, exclude contacts of a campaign.
    #[serde(rename = "contacts:write")]
    WriteContacts,
    /// Read statistics.
    #[serde(rename = "statistics:read")]
    ReadStatistics,
    /// Export results.
    #[serde(rename = "results:export")]
    ExportResults,
    /// Listen in on calls and end them.
    #[serde(rename = "calls:supervise")]
    SuperviseCalls,
    /// Read and search the exclusion list.
    #[serde(rename = "exclusions:read")]
    ReadExclusions,
    /// Add to the exclusion list and take from it.
    #[serde(rename = "exclusions:write")]
    WriteExclusions,
    /// Read and change users and other people's tokens.
    #[serde(rename = "accounts:write")]
    WriteAccounts,
    /// Read the audit log.
    #[serde(rename = "audit:read")]
    ReadAudit,
    /// Read metrics.
    #[serde(rename = "metrics:read")]
    ReadMetrics,
}

impl Permission {
    /// All of them, in the order in which they are documented.
    pub const ALL: [Self; 13] = [
        Self::ReadCampaigns,
        Self::WriteCampaigns,
        Self::RunCampaigns,
        Self::ReadContacts,
        Self::WriteContacts,
        Self::ReadStatistics,
        Self::ExportResults,
        Self::SuperviseCalls,
        Self::ReadExclusions,
        Self::WriteExclusions,
        Self::WriteAccounts,
        Self::ReadAudit,
        Self::ReadMetrics,
    ];

    /// Its name as a scope, for example `campaigns:read`.
    pub fn scope(self) -> &'static str {
        match self {
            Self::ReadCampaigns => "campaigns:read",
            Self::WriteCampaigns => "campaigns:write",
            Self::RunCampaigns => "campaigns:run",
            Self::ReadContacts => "contacts:read",
            Self::WriteContacts => "contacts:write",
            Self::ReadStatistics => "statistics:read",
            Self::ExportResults => "results:export",
            Self::SuperviseCalls => "calls:supervise",
            Self::ReadExclusions => "exclusions:read",
            Self::WriteExclusions => "exclusions:write",
            Self::WriteAccounts => "accounts:write",
            Self::ReadAudit => "audit:read",
            Self::ReadMetrics => "metrics:read",
        }
    }

    /// The permission behind a scope; `None` if there is no such scope.
    pub fn from_scope(scope: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.scope() == scope)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scope())
    }
}

/// What a person is here. Each role may do all that the ones before it may.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads campaigns, contacts, statistics.
    Viewer,
    /// Makes and runs campaigns, imports, exports, supervises calls.
    CampaignManager,
    /// Looks after the exclusion list, users and the audit log besides.
    Admin,
}

impl Role {
    /// All of them, the one that may least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::CampaignManager, Self::Admin];

    /// Its name, as in `viewer`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::CampaignManager => "campaign_manager",
            Self::Admin => "admin",
        }
    }

    /// The role of this name; `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether the role may do something.
    pub fn may(self, permission: Permission) -> bool {
        self >= Self::least_for(permission)
    }

    /// The role that may least of those that may do something.
    pub fn least_for(permission: Permission) -> Self {
        match permission {
            Permission::ReadCampaigns
            | Permission::ReadContacts
            | Permission::ReadStatistics
            | Permission::ReadMetrics => Self::Viewer,
            Permission::WriteCampaigns
            | Permission::RunCampaigns
            | Permission::WriteContacts
            | Permission::ExportResults
            | Permission::SuperviseCalls => Self::CampaignManager,
            Permission::ReadExclusions
            | Permission::WriteExclusions
            | Permission::WriteAccounts
            | Permission::ReadAudit => Self::Admin,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What kind of somebody is answerable for a change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person who has signed in.
    User,
    /// A machine with an API token.
    Token,
    /// Somebody with a shell on the server's machine.
    CommandLine,
    /// The server itself.
    System,
}

impl ActorKind {
    /// Its name, as in `command_line`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Token => "token",
            Self::CommandLine => "command_line",
            Self::System => "system",
        }
    }

    /// The kind of this name; `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::User, Self::Token, Self::CommandLine, Self::System]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

/// Who is answerable for a change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChangedBy {
    /// What kind.
    pub kind: ActorKind,
    /// Id of the user or token; the account's name of a command line; empty for the server.
    pub id: String,
    /// The name that people know them by.
    pub name: String,
    /// The request that asked for it, as in the logs; `None` outside HTTP.
    pub request_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_reads_back_as_its_permission_and_is_what_json_says() {
        for permission in Permission::ALL {
            assert_eq!(Permission::from_scope(permission.scope()), Some(permission));
            assert_eq!(
                serde_json::to_value(permission).expect("written"),
                serde_json::Value::from(permission.scope())
            );
        }
        assert_eq!(Permission::from_scope("campaigns"), None);
    }

    #[test]
    fn every_role_may_do_what_the_ones_before_it_may_and_something_more() {
        let may = |role: Role| Permission::ALL.into_iter().filter(|&p| role.may(p)).count();
        assert!(may(Role::Viewer) < may(Role::CampaignManager));
        assert!(may(Role::CampaignManager) < may(Role::Admin));
        assert_eq!(may(Role::Admin), Permission::ALL.len());
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.as_str()), Some(role));
        }
    }
}
