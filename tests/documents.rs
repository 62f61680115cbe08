//! What the documents name exists: make targets, linked files, and the command line's commands.
#![expect(
    clippy::expect_used,
    reason = "what the checks read with fails the test where it fails"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Markdown file of the root, `docs/`, `prompts/` and `fixtures/`: its path and text.
fn documents() -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, deep: bool, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).expect("a folder of the project") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && deep {
                collect(&path, true, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let text = std::fs::read_to_string(&path).expect("readable");
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    collect(repository(), false, &mut found);
    for folder in ["docs", "prompts", "fixtures"] {
        collect(&repository().join(folder), true, &mut found);
    }
    found
}

/// The targets of Markdown links that are files: no address, no anchor of the same page.
fn linked_files(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

/// What follows a command word in the document's code: `make demo` gives `demo` for `make`.
fn words_after<'a>(command: &str, text: &'a str) -> BTreeSet<&'a str> {
    let mut words = BTreeSet::new();
    for (index, _) in text.match_indices(command) {
        // In code only: after a back quote, a prompt, or at the start of a line.
        let begins = text[..index].ends_with(['`', '\n', ' ']) || index == 0;
        let rest = &text[index + command.len()..];
        let word = rest
            .strip_prefix(' ')
            .map(|rest| rest.split(|c: char| !(c.is_ascii_lowercase() || c == '-')).next());
        if let (true, Some(Some(word))) = (begins, word)
            && !word.is_empty()
        {
            words.insert(word);
        }
    }
    words
}

/// The code of a document: what stands in fences and between back quotes.
fn code(text: &str) -> String {
    let mut code = String::new();
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            code.push('\n');
            code.push_str(part);
        }
    }
    code
}

fn make_targets() -> BTreeSet<String> {
    let makefile = std::fs::read_to_string(repository().join("Makefile")).expect("the Makefile");
    makefile
        .lines()
        .filter(|line| !line.starts_with(['\t', ' ', '#', '.']) && !line.contains('='))
        .filter_map(|line| line.split_once(':'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

#[test]
fn every_linked_file_exists() {
    let mut missing = Vec::new();
    for (path, text) in documents() {
        let folder = path.parent().expect("a file lies in a folder");
        for target in linked_files(&text) {
            if !folder.join(target).exists() {
                missing.push(format!("{} links to {target}", path.display()));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_make_target_that_is_named_exists() {
    let targets = make_targets();
    assert!(targets.contains("demo") && targets.contains("test"), "{targets:?}");
    for (path, text) in documents() {
        for word in words_after("make", &code(&text)) {
            assert!(
                targets.contains(word),
                "{} names `make {word}`, which the Makefile does not have",
                path.display()
            );
        }
    }
}

#[test]
fn every_command_that_is_named_exists_and_every_command_is_in_the_readme() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_samvad"))
        .arg("--help")
        .output()
        .expect("samvad runs");
    let help = String::from_utf8(help.stdout).expect("UTF-8");
    let commands: BTreeSet<&str> = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.contains("demo") && commands.len() >= 7, "{help}");
    let mut in_readme = BTreeSet::new();
    for (path, text) in documents() {
        let code = code(&text);
        let named = words_after("samvad", &code);
        for word in &named {
            assert!(
                commands.contains(word),
                "{} names `samvad {word}`, which is no command",
                path.display()
            );
        }
        if path.ends_with("README.md") && path.parent() == Some(repository()) {
            in_readme.extend(named.into_iter().map(str::to_owned));
        }
    }
    for command in commands {
        assert!(
            in_readme.contains(command),
            "README.md does not name `samvad {command}`"
        );
    }
}

#[test]
fn the_compose_file_waits_for_healthy_services_keeps_their_data_and_holds_no_secret() {
    let text = std::fs::read_to_string(repository().join("docker-compose.yml")).expect("the compose file");
    let compose: serde_norway::Value = serde_norway::from_str(&text).expect("YAML");
    let services = ["samvad", "postgres", "redis"].map(|name| (name, &compose["services"][name]));
    for (name, service) in services {
        assert!(
            service["healthcheck"]["test"].is_sequence(),
            "{name} has a health check"
        );
        let volumes = service["volumes"].as_sequence().expect("volumes");
        let volume = volumes[0]
            .as_str()
            .and_then(|mount| mount.split(':').next())
            .expect("a mount");
        assert!(compose["volumes"].get(volume).is_some(), "{name}: {volume} is declared");
        for (variable, value) in service["environment"].as_mapping().into_iter().flatten() {
            let (variable, value) = (variable.as_str().expect("a name"), value.as_str().expect("text"));
            let is_secret = ["PASSWORD", "TOKEN", "KEY"].iter().any(|word| variable.contains(word));
            assert!(!is_secret || value.starts_with("/run/secrets/"), "{name}: {variable}");
            let known = samvad::config::VARIABLES.iter().map(|variable| variable.name);
            let plain = variable.strip_suffix("_FILE").unwrap_or(variable);
            assert!(
                name != "samvad" || known.into_iter().any(|known| known == plain),
                "{variable}"
            );
        }
    }
    for service in ["postgres", "redis"] {
        let condition = &compose["services"]["samvad"]["depends_on"][service]["condition"];
        assert_eq!(condition.as_str(), Some("service_healthy"), "{service}");
    }
    let command = compose["services"]["redis"]["command"]
        .as_sequence()
        .expect("a command");
    assert!(command.iter().any(|word| word.as_str() == Some("noeviction")));
    let database = compose["services"]["samvad"]["environment"]["DATABASE_URL"].as_str();
    assert!(
        database.is_some_and(|url| url.starts_with("${DATABASE_URL:?")),
        "no password stands in the file"
    );
}

#[test]
fn links_and_words_are_found_where_they_stand() {
    let text =
        "See [a](docs/a.md#part), [b](https://example.org) and `make demo`; make sure of\n```sh\nmake test\n```\n";
    assert_eq!(linked_files(text), ["docs/a.md"]);
    assert_eq!(words_after("make", &code(text)), ["demo", "test"].into());
}
