//! Who changes things from a command line.

use samvad_actors::domain::{ActorKind, ChangedBy};

/// Whoever runs this process, by the name of their account on this machine.
pub fn command_line() -> ChangedBy {
    let uid = rustix::process::getuid().as_raw();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    on_the_command_line(&account_name(&accounts, uid))
}

/// Somebody with a shell, by the name of their account.
pub fn on_the_command_line(account: &str) -> ChangedBy {
    ChangedBy {
        kind: ActorKind::CommandLine,
        id: account.to_owned(),
        name: account.to_owned(),
        request_id: None,
    }
}

/// The name of an account in a file of accounts (passwd(5)), else its number: environment variables say what anybody
/// makes them say.
fn account_name(accounts: &str, uid: u32) -> String {
    let uid = uid.to_string();
    let names = accounts.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid && !name.is_empty()).then_some(name)
    });
    let found = names.map(str::to_owned).next();
    found.unwrap_or_else(|| format!("uid {uid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_known_by_its_name_else_by_its_number() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\n#\n\nasha:x:1000:1000::/home/asha:/bin/sh\n:x:7:7::/:\n";
        let names = [0, 1000, 100, 7].map(|uid| account_name(accounts, uid));
        assert_eq!(names, ["root", "asha", "uid 100", "uid 7"]);
        assert_eq!(command_line().kind, ActorKind::CommandLine);
    }
}
