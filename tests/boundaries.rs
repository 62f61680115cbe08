//! The boundaries and house rules of ARCHITECTURE.md that the compiler does not check.
//!
//! Each rule is a function over plain data (a dependency graph, a file's text), with a test that it reports a
//! violation, and a test that the workspace has none.
#![expect(
    clippy::expect_used,
    reason = "what the checks read with fails the test where it fails"
)]

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

const ROOT: &str = "samvad";
const MEDIA: &str = "samvad-media";
const ACTORS: &str = "samvad-actors";
const SIMULATOR: &str = "samvad-simulator";

/// What pure audio code must not reach: I/O, async run times, clocks, random sources.
const IMPURE: &[&str] = &[
    "actix",
    "actix-rt",
    "actix-web",
    "async-std",
    "axum",
    "chrono",
    "getrandom",
    "hyper",
    "jiff",
    "mio",
    "rand",
    "redis",
    "reqwest",
    "rusqlite",
    "smol",
    "socket2",
    "sqlx",
    "time",
    "tokio",
    "tokio-tungstenite",
    "tungstenite",
    "ureq",
];
/// What the actors must not reach: every way out of the process.
const EDGES: &[&str] = &[
    "actix-http",
    "actix-web",
    "actix-web-actors",
    "axum",
    "hyper",
    "redis",
    "reqwest",
    "rusqlite",
    "sqlx",
    "tokio-tungstenite",
    "tungstenite",
    "ureq",
];
/// What only the root may use.
const ROOT_ONLY: &[&str] = &["actix-web", "actix-web-actors", "redis", "sqlx"];

/// Bans that keep pure code deterministic, as they stand in a `clippy.toml`.
const PURITY_BANS: &[&str] = &[
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::collections::HashMap::iter",
    "std::collections::HashMap::keys",
    "std::collections::HashMap::values",
    "std::collections::HashSet::iter",
];

/// Package registries' hosts and one machine's paths: nothing in the project depends on where it was written.
/// (In two parts, so that this file passes its own test.)
const FOREIGN_WORDS: &[&str] = &[
    concat!("static.crates", ".io"),
    concat!("index.crates", ".io"),
    concat!("registry.npmjs", ".org"),
    concat!("registry.yarnpkg", ".com"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("/ro", "ot/"),
    concat!("/work", "/wt"),
    concat!("/work", "/shared"),
];

const LONGEST_FILE: usize = 500;

/// Who depends on whom, by package name. Versions of a package are merged: that can only find too much.
#[derive(Default)]
struct Graph {
    /// Dependencies that end up in the program, build dependencies included.
    shipped: BTreeMap<String, BTreeSet<String>>,
    /// The same with development dependencies.
    all: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn add(&mut self, from: &str, to: &str, only_for_development: bool) {
        self.all.entry(from.into()).or_default().insert(to.into());
        if !only_for_development {
            self.shipped.entry(from.into()).or_default().insert(to.into());
        }
    }

    /// Every forbidden package that `from` ships, each as the shortest way to it.
    fn ways_to(&self, from: &str, forbidden: &[&str]) -> Vec<String> {
        let mut ways = BTreeMap::from([(from.to_owned(), from.to_owned())]);
        let mut queue = std::collections::VecDeque::from([from.to_owned()]);
        while let Some(package) = queue.pop_front() {
            for next in self.shipped.get(&package).into_iter().flatten() {
                if !ways.contains_key(next) {
                    ways.insert(next.clone(), format!("{} -> {next}", ways[&package]));
                    queue.push_back(next.clone());
                }
            }
        }
        forbidden
            .iter()
            .filter(|name| **name != from)
            .filter_map(|name| ways.get(*name).cloned())
            .collect()
    }

    /// Of `candidates`, those that `from` itself names, for whatever purpose.
    fn direct<'a>(&self, from: &str, candidates: &[&'a str]) -> Vec<&'a str> {
        let named = self.all.get(from);
        candidates
            .iter()
            .copied()
            .filter(|name| named.is_some_and(|all| all.contains(*name)))
            .collect()
    }
}

/// A member of the workspace: its name and its folder.
struct Member {
    name: String,
    folder: std::path::PathBuf,
}

fn workspace() -> (Graph, Vec<Member>) {
    let metadata = MetadataCommand::new()
        .manifest_path(repository().join("Cargo.toml"))
        // One platform: a build downloads the packages of no other, and this test needs no network.
        .other_options([
            "--locked".into(),
            "--filter-platform".into(),
            format!("{}-unknown-linux-gnu", std::env::consts::ARCH),
        ])
        .exec()
        .expect("cargo metadata runs");
    let name_of = |id| metadata[id].name.to_string();
    let mut graph = Graph::default();
    for node in &metadata.resolve.as_ref().expect("a resolved graph").nodes {
        for dependency in &node.deps {
            let only_for_development = dependency
                .dep_kinds
                .iter()
                .all(|kind| kind.kind == DependencyKind::Development);
            graph.add(&name_of(&node.id), &name_of(&dependency.pkg), only_for_development);
        }
    }
    let member = |package: &cargo_metadata::Package| Member {
        name: package.name.to_string(),
        folder: package
            .manifest_path
            .parent()
            .expect("a manifest lies in a folder")
            .as_std_path()
            .to_owned(),
    };
    (graph, metadata.workspace_packages().into_iter().map(member).collect())
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The project's files as git sees them (path, text), new ones included, ignored ones not.
fn files() -> Vec<(String, String)> {
    let listing = Command::new("git")
        // A checkout may belong to another user than the one who tests it.
        .args([
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(repository())
        .output()
        .expect("git runs");
    assert!(
        listing.status.success(),
        "git ls-files: {}",
        String::from_utf8_lossy(&listing.stderr)
    );
    let paths = String::from_utf8(listing.stdout).expect("paths in UTF-8");
    let files: Vec<_> = paths
        .split_terminator('\0')
        // A file deleted and not yet committed is still listed.
        .filter_map(|path| Some((path.to_owned(), std::fs::read(repository().join(path)).ok()?)))
        .map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes).into_owned()))
        .collect();
    assert!(files.len() > 10, "git lists the project's files");
    files
}

fn source_files() -> impl Iterator<Item = (String, String)> {
    files()
        .into_iter()
        .filter(|(path, _)| path.ends_with(".rs") && format!("/{path}").contains("/src/"))
}

/// What is wrong with a file's length, if anything.
fn too_long(path: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > LONGEST_FILE).then(|| format!("{path} has {lines} lines; split it by purpose (at most {LONGEST_FILE})"))
}

/// Words in a text that tie the project to a registry's host or to one machine.
fn foreign_words(text: &str) -> Vec<&'static str> {
    FOREIGN_WORDS
        .iter()
        .copied()
        .filter(|word| text.contains(word))
        .collect()
}

/// Package sources in a lock file other than the public default: a mirror, a fork, a folder elsewhere.
fn foreign_sources(path: &str, text: &str) -> Vec<String> {
    let foreign = |line: &&str| match Path::new(path).file_name().and_then(|name| name.to_str()) {
        Some("Cargo.lock") => {
            line.starts_with("source = ") && !line.contains("\"registry+https://github.com/rust-lang/crates.io-index\"")
        }
        // npm writes no addresses with `omit-lockfile-registry-resolved`.
        Some("package-lock.json") => line.starts_with("\"resolved\": "),
        _ => false,
    };
    text.lines().map(str::trim).filter(foreign).map(str::to_owned).collect()
}

/// True if a manifest takes the workspace's lints.
fn takes_workspace_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.any(|line| line == "[lints]") && lines.next() == Some("workspace = true")
}

/// The bans that a `clippy.toml` lacks.
fn missing_bans(clippy: &str) -> Vec<&'static str> {
    PURITY_BANS
        .iter()
        .copied()
        .filter(|ban| !clippy.contains(&format!("path = \"{ban}\"")))
        .collect()
}

/// True if a source lifts the ban on unsafe code where it may not: only the binding to PocketSphinx may. White space
/// does not count, as rustfmt breaks a long attribute into lines.
fn lifts_the_unsafe_ban(path: &str, text: &str) -> bool {
    let dense: String = text.split_whitespace().collect();
    let lifts = ["expect(unsafe_code", "allow(unsafe_code", "warn(unsafe_code"]
        .iter()
        .any(|attribute| dense.contains(attribute));
    lifts && !path.starts_with("src/speech/")
}

/// True if a source silences a lint for good: `expect` does the same and complains when it is no longer needed.
fn silences_lints(text: &str) -> bool {
    text.lines()
        .map(str::trim_start)
        .any(|line| line.starts_with("#[allow(") || line.starts_with("#![allow("))
}

fn nothing() -> Vec<String> {
    Vec::new()
}

mod the_workspace {
    use super::*;

    #[test]
    fn every_crate_has_its_boundaries_in_this_file() {
        let names: BTreeSet<_> = workspace().1.into_iter().map(|member| member.name).collect();
        assert_eq!(names, [ROOT, MEDIA, ACTORS, SIMULATOR].map(str::to_owned).into());
    }

    #[test]
    fn media_reaches_no_io_no_async_run_time_no_clock_and_no_randomness() {
        assert_eq!(workspace().0.ways_to(MEDIA, IMPURE), nothing());
    }

    #[test]
    fn media_knows_no_other_member() {
        assert!(workspace().0.direct(MEDIA, &[ROOT, ACTORS, SIMULATOR]).is_empty());
    }

    #[test]
    fn actors_know_media_and_no_other_member() {
        assert_eq!(workspace().0.direct(ACTORS, &[ROOT, MEDIA, SIMULATOR]), [MEDIA]);
    }

    #[test]
    fn actors_reach_no_web_server_no_database_and_no_network_client() {
        assert_eq!(workspace().0.ways_to(ACTORS, EDGES), nothing());
    }

    #[test]
    fn the_simulator_shares_no_code_with_the_server() {
        assert!(workspace().0.direct(SIMULATOR, &[ROOT, MEDIA, ACTORS]).is_empty());
    }

    #[test]
    fn only_the_root_uses_the_web_server_the_database_and_redis() {
        let (graph, _) = workspace();
        assert_eq!(
            graph.direct(ROOT, &["actix-web", "sqlx"]),
            ["actix-web", "sqlx"],
            "the graph shows what is used"
        );
        for member in [MEDIA, ACTORS, SIMULATOR] {
            assert_eq!(graph.ways_to(member, ROOT_ONLY), nothing());
            assert!(
                graph.direct(member, ROOT_ONLY).is_empty(),
                "{member} uses one for its tests"
            );
        }
    }

    #[test]
    fn every_crate_takes_the_workspace_lints_and_has_a_clippy_toml() {
        for Member { name, folder } in workspace().1 {
            let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
            assert!(
                takes_workspace_lints(&manifest),
                "{name}: add `[lints]` with `workspace = true` to Cargo.toml"
            );
            assert!(folder.join("clippy.toml").exists(), "{name} has no clippy.toml");
        }
    }

    #[test]
    fn clippy_bans_clocks_and_map_iteration_in_media_and_actors() {
        for Member { name, folder } in workspace().1 {
            if [MEDIA, ACTORS].contains(&name.as_str()) {
                let clippy = std::fs::read_to_string(folder.join("clippy.toml")).expect("a clippy.toml");
                assert!(
                    missing_bans(&clippy).is_empty(),
                    "{name} lacks {:?}",
                    missing_bans(&clippy)
                );
            }
        }
    }

    #[test]
    fn no_source_file_is_longer_than_500_lines() {
        assert_eq!(
            source_files()
                .filter_map(|(path, text)| too_long(&path, &text))
                .collect::<Vec<_>>(),
            nothing()
        );
    }

    #[test]
    fn unsafe_code_is_confined_to_the_speech_adapter() {
        let found: Vec<_> = source_files()
            .filter(|(path, text)| lifts_the_unsafe_ban(path, text))
            .map(|file| file.0)
            .collect();
        assert_eq!(found, nothing());
    }

    #[test]
    fn no_source_silences_a_lint_for_good() {
        let found: Vec<_> = source_files()
            .filter(|(_, text)| silences_lints(text))
            .map(|file| file.0)
            .collect();
        assert_eq!(found, nothing(), "use #[expect(…, reason = \"…\")]");
    }

    #[test]
    fn no_file_names_a_package_registrys_host_or_one_machines_paths() {
        let report = |(path, text): (String, String)| {
            let words = foreign_words(&text);
            (!words.is_empty()).then(|| format!("{path}: {words:?}"))
        };
        assert_eq!(files().into_iter().filter_map(report).collect::<Vec<_>>(), nothing());
    }

    #[test]
    fn lock_files_name_no_source_but_the_public_default() {
        let found: Vec<_> = files()
            .iter()
            .flat_map(|(path, text)| foreign_sources(path, text))
            .collect();
        assert_eq!(found, nothing());
    }
}

mod the_rules {
    use super::*;

    #[test]
    fn a_forbidden_package_is_reported_with_the_way_to_it() {
        let mut graph = Graph::default();
        graph.add(MEDIA, "codec", false);
        graph.add("codec", "tokio", false);
        graph.add("codec", MEDIA, false);
        assert_eq!(graph.ways_to(MEDIA, IMPURE), ["samvad-media -> codec -> tokio"]);
    }

    #[test]
    fn what_only_the_tests_use_is_not_shipped_but_is_named() {
        let mut graph = Graph::default();
        graph.add(ACTORS, "sqlx", true);
        assert_eq!(graph.ways_to(ACTORS, EDGES), nothing());
        assert_eq!(graph.direct(ACTORS, ROOT_ONLY), ["sqlx"]);
    }

    #[test]
    fn a_member_that_knows_another_is_reported() {
        let mut graph = Graph::default();
        graph.add(SIMULATOR, MEDIA, true);
        assert_eq!(graph.direct(SIMULATOR, &[ROOT, MEDIA, ACTORS]), [MEDIA]);
    }

    #[test]
    fn a_manifest_without_the_workspace_lints_is_found() {
        assert!(takes_workspace_lints("[package]\n\n[lints]\nworkspace = true\n"));
        assert!(!takes_workspace_lints("[package]\nname = \"x\"\n"));
        assert!(!takes_workspace_lints("[lints]\n[lints.clippy]\nworkspace = true\n"));
    }

    #[test]
    fn a_missing_ban_is_named() {
        let all_but_the_first: String = PURITY_BANS[1..]
            .iter()
            .map(|ban| format!("{{ path = \"{ban}\" }},\n"))
            .collect();
        assert_eq!(missing_bans(&all_but_the_first), [PURITY_BANS[0]]);
    }

    #[test]
    fn a_file_is_too_long_from_its_501st_line() {
        assert_eq!(too_long("a.rs", &"x\n".repeat(LONGEST_FILE)), None);
        assert!(too_long("a.rs", &"x\n".repeat(LONGEST_FILE + 1)).is_some());
    }

    #[test]
    fn foreign_words_are_found() {
        assert!(foreign_words("https://crates.io/crates/samvad").is_empty());
        assert_eq!(
            foreign_words(&format!("from https://{}/simple", FOREIGN_WORDS[4])),
            [FOREIGN_WORDS[4]]
        );
    }

    #[test]
    fn foreign_package_sources_are_found() {
        let usual = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
        assert_eq!(foreign_sources("Cargo.lock", usual), nothing());
        assert_eq!(
            foreign_sources("Cargo.lock", "source = \"git+https://example.org/x\"\n").len(),
            1
        );
        assert_eq!(
            foreign_sources(
                "a/package-lock.json",
                "  \"resolved\": \"https://example.org/x.tgz\",\n"
            )
            .len(),
            1
        );
    }

    #[test]
    fn unsafe_code_outside_the_speech_adapter_is_found() {
        let lifted = "#![expect(unsafe_code, reason = \"a C library\")]";
        assert!(!lifts_the_unsafe_ban("src/speech/pocketsphinx/ffi.rs", lifted));
        assert!(lifts_the_unsafe_ban("media/src/mulaw.rs", lifted));
        let broken = "#[expect(\n    unsafe_code,\n    reason = \"as rustfmt breaks it\"\n)]";
        assert!(lifts_the_unsafe_ban("media/src/mulaw.rs", broken));
    }

    #[test]
    fn a_silenced_lint_is_found() {
        assert!(silences_lints("    #[allow(dead_code)]\n"));
        assert!(!silences_lints(
            "#[expect(dead_code, reason = \"used on Linux only\")]\n"
        ));
    }
}
