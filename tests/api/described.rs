//! What the description says is what is served: judged by schemathesis, which makes requests from it, good and bad.

use super::world::{Somebody, World};
use samvad_actors::domain::{Permission, Role};
use std::path::Path;
use std::process::{Command, Output};

/// Requests made for each operation in each phase.
const EXAMPLES: &str = "15";

/// A request that the description permits may still be refused for what it means, so that it is refused is no fault.
const NO_FAULT: &str = "positive_data_acceptance";

/// An edit is refused for another version before anybody looks at its body (RFC 9110, section 13.2.1).
const CONFIGURATION: &str = "
[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429]
";

/// Runs schemathesis against the server, as somebody. The same requests each time.
fn judge(world: &World, who: &Somebody) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let prepared = Command::new(root.join("tools/python-env")).status();
    assert!(
        prepared.is_ok_and(|status| status.success()),
        "tools/python-env failed: it needs python3-venv and the Python package index"
    );
    let scratch = tempfile::tempdir().expect("a directory");
    std::fs::write(scratch.path().join("schemathesis.toml"), CONFIGURATION).expect("written");
    let mut command = Command::new(root.join("target/python/bin/schemathesis"));
    command
        .current_dir(scratch.path())
        .env_remove("PYTHONDONTWRITEBYTECODE")
        .args(["run", "--no-color", "--seed", "7", "--generation-database", "none"])
        .args(["--max-examples", EXAMPLES, "--exclude-checks", NO_FAULT])
        // A cookie besides the token would only ever be refused.
        .args(["--generation-with-security-parameters", "false"])
        .arg(format!("http://{}/api/v1/openapi.json", world.address));
    if let Somebody::Program { token } = who {
        command.arg("--header").arg(format!("Authorization: Bearer {token}"));
    }
    command.output().expect("schemathesis runs")
}

fn is_as_described(output: &Output) {
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(told.contains(" generated, ") && told.contains(" passed"), "{told}");
}

#[test]
fn whoever_may_everything_gets_no_answer_that_the_description_does_not_know_and_no_server_error() {
    let world = World::start();
    let admin = world.person(Role::Admin);
    let program = world.program(admin.id(), &Permission::ALL);
    is_as_described(&judge(&world, &program));
}

#[test]
fn nobody_gets_no_answer_that_the_description_does_not_know_and_no_server_error() {
    let world = World::start();
    is_as_described(&judge(&world, &Somebody::Nobody));
}
