//! The machine: clock, disk, database, address, limits.

use super::Finding;
use crate::config::{DataDirectory, Settings, private_files};
use crate::store::{DatabaseUrl, SqlStore};
use rustix::process::{Resource, getrlimit};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// No clock is right that is before this: 2026-01-01, in seconds since 1970.
const EARLIEST: u64 = 1_767_225_600;

/// A file from further in the future than this says that the clock has gone back.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// Free space below which keeping calls is at risk.
const LITTLE_SPACE: u64 = 1 << 30;

/// Free space below which it fails soon.
const NO_SPACE: u64 = 64 << 20;

/// Open files of a server without calls: its listeners, databases, logs, children.
const FILES_AT_REST: u64 = 128;

/// Open files of a call: its media socket, and a connection of the carrier's callbacks.
const FILES_PER_CALL: u64 = 2;

/// Whether the clock can be right. Tokens, callbacks and retention go by it.
pub(super) fn clock(settings: Option<&Settings>) -> Finding {
    let database = settings
        .and_then(|settings| DatabaseUrl::parse(&settings.database_url).ok())
        .and_then(|url| std::fs::metadata(url.sqlite_file()?).ok())
        .and_then(|found| found.modified().ok());
    judge_clock(SystemTime::now(), database)
}

fn judge_clock(now: SystemTime, database_written: Option<SystemTime>) -> Finding {
    const CHECK: &str = "clock";
    let remedy = "set the clock, and let a time service (chrony, systemd-timesyncd) keep it";
    let seconds = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    if seconds < EARLIEST {
        return Finding::fault(CHECK, format!("it is {seconds} s after 1970, which cannot be"), remedy);
    }
    match database_written.and_then(|written| written.duration_since(now).ok()) {
        Some(ahead) if ahead > CLOCK_TOLERANCE => Finding::warning(
            CHECK,
            format!(
                "the database was written {} s in the future: the clock has gone back",
                ahead.as_secs()
            ),
            remedy,
        ),
        _ => Finding::ok(CHECK, "plausible"),
    }
}

/// The data directory: its permissions, whether it can be written, and what room there is.
pub(super) fn data_directory(settings: &Settings) -> Vec<Finding> {
    const CHECK: &str = "data directory";
    let path = &settings.data_dir;
    let existing = path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let place = if existing == path {
        match DataDirectory::open(path) {
            Err(error) => Finding::from_error(CHECK, &error),
            Ok(directory) => match try_to_write(directory.path()) {
                Err(error) => Finding::from_error(CHECK, &error),
                Ok(()) => Finding::ok(CHECK, format!("{}, closed to others, can be written", path.display())),
            },
        }
    } else {
        let may_write = rustix::fs::access(existing, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
        match may_write {
            Ok(()) => Finding::ok(CHECK, format!("{}, made at the first start", path.display())),
            Err(_) => Finding::fault(
                CHECK,
                format!(
                    "{} is not there, and cannot be made in {}",
                    path.display(),
                    existing.display()
                ),
                "make it for the user that runs the server, or name another in SAMVAD_DATA_DIR",
            ),
        }
    };
    vec![place, free_space(existing)]
}

fn try_to_write(directory: &Path) -> Result<(), private_files::PrivateFileError> {
    let probe = directory.join(format!("doctor-{}", uuid::Uuid::new_v4().simple()));
    drop(private_files::create_new(&probe)?);
    // It was made just now; if it cannot be removed, it is empty and harms nobody.
    let _ = std::fs::remove_file(&probe);
    Ok(())
}

fn free_space(path: &Path) -> Finding {
    const CHECK: &str = "disk space";
    match rustix::fs::statvfs(path) {
        Ok(found) => judge_space(found.f_bavail.saturating_mul(found.f_frsize)),
        Err(error) => Finding::warning(
            CHECK,
            format!("not known: {error}"),
            "see that there is 1 GiB, and more for recordings",
        ),
    }
}

fn judge_space(bytes: u64) -> Finding {
    const CHECK: &str = "disk space";
    let found = format!("{:.1} GiB free", bytes as f64 / (1 << 30) as f64);
    let remedy = "free some, shorten the retention and run `samvad purge`, or move SAMVAD_DATA_DIR";
    match bytes {
        ..NO_SPACE => Finding::fault("disk space", found, remedy),
        NO_SPACE..LITTLE_SPACE => Finding::warning(CHECK, found, remedy),
        _ => Finding::ok(CHECK, found),
    }
}

/// The database, opened as a start would: its schema must be this binary's.
pub(super) async fn database(settings: &Settings) -> Finding {
    const CHECK: &str = "database";
    let url = match DatabaseUrl::parse(&settings.database_url) {
        Ok(url) => url,
        Err(error) => return Finding::from_error(CHECK, &error),
    };
    if let Some(file) = url.sqlite_file()
        && !file.exists()
    {
        return Finding::ok(CHECK, format!("{}, made at the first start", file.display()));
    }
    let opened = async {
        let store = SqlStore::open(&settings.database_url).await?;
        store.close().await;
        Ok::<_, crate::store::OpenError>(())
    };
    match opened.await {
        Ok(()) => Finding::ok(
            CHECK,
            format!("{url} opens, schema version {}", SqlStore::schema_version()),
        ),
        Err(error) => Finding::from_error(CHECK, &error),
    }
}

/// Whether the server could listen, and who could reach it.
pub(super) fn address(settings: &Settings) -> Finding {
    const CHECK: &str = "address";
    let bind = settings.bind;
    match TcpListener::bind(bind) {
        Err(error) => Finding::fault(
            CHECK,
            format!("cannot listen on {bind}: {error}"),
            "stop what listens there (a running samvad, perhaps), or set SAMVAD_BIND to a free address",
        ),
        Ok(_) if !bind.ip().is_loopback() => Finding::warning(
            CHECK,
            format!("{bind} is free; other machines reach it in the clear"),
            "let only the proxy that ends TLS reach it, or bind to 127.0.0.1",
        ),
        Ok(_) => Finding::ok(CHECK, format!("{bind} is free")),
    }
}

/// Whether the API could listen.
pub(super) fn api_address(settings: &Settings) -> Finding {
    const CHECK: &str = "api address";
    let Some(api) = &settings.api else {
        return Finding::ok(CHECK, "off (SAMVAD_API_BIND)");
    };
    match TcpListener::bind(api.bind) {
        Err(error) => Finding::fault(
            CHECK,
            format!("cannot listen on {}: {error}", api.bind),
            "stop what listens there (a running samvad, perhaps), or set SAMVAD_API_BIND to a free address or to off",
        ),
        Ok(_) => Finding::ok(CHECK, format!("{} is free", api.bind)),
    }
}

/// Whether the calls allowed at once have files enough. The server raises its soft limit to the hard one.
pub(super) fn open_files(settings: &Settings) -> Finding {
    judge_open_files(getrlimit(Resource::Nofile).maximum, settings.max_calls)
}

fn judge_open_files(limit: Option<u64>, max_calls: u32) -> Finding {
    const CHECK: &str = "open files";
    let needed = FILES_AT_REST + FILES_PER_CALL * u64::from(max_calls);
    match limit {
        Some(limit) if limit < needed => Finding::fault(
            CHECK,
            format!("{limit} are allowed, and {max_calls} calls (SAMVAD_MAX_CALLS) need {needed}"),
            "raise the hard limit (ulimit -Hn, LimitNOFILE= of systemd), or lower SAMVAD_MAX_CALLS",
        ),
        Some(limit) => Finding::ok(CHECK, format!("{limit} are allowed; {max_calls} calls need {needed}")),
        None => Finding::ok(CHECK, "without limit"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::super::tests::settings;
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_clock_of_1970_is_a_fault_and_one_that_went_back_a_warning() {
        assert_eq!(judge_clock(at(0), None).state, State::Fault);
        let now = EARLIEST + 1_000;
        assert_eq!(judge_clock(at(now), Some(at(now + 3_600))).state, State::Warning);
        assert_eq!(judge_clock(at(now), Some(at(now - 3_600))).state, State::Ok);
        assert_eq!(judge_clock(at(now), None).state, State::Ok);
    }

    #[test]
    fn little_room_is_a_warning_and_none_a_fault() {
        let states = [0, LITTLE_SPACE - 1, LITTLE_SPACE].map(|bytes| judge_space(bytes).state);
        assert_eq!(states, [State::Fault, State::Warning, State::Ok]);
    }

    #[test]
    fn a_limit_that_is_too_low_for_the_calls_is_a_fault() {
        assert_eq!(judge_open_files(Some(1_024), 100).state, State::Ok);
        assert_eq!(judge_open_files(Some(1_024), 1_000).state, State::Fault);
        assert_eq!(judge_open_files(None, 100_000).state, State::Ok);
    }

    #[test]
    fn a_data_directory_that_is_missing_is_not_made_and_one_that_is_there_is_tried() {
        let parent = tempfile::tempdir().expect("temporary directory");
        let missing = parent.path().join("a/b");
        let findings = data_directory(&settings(&missing, &[]));
        assert_eq!(findings[0].state, State::Ok);
        assert!(!missing.exists());

        private_files::ensure_directory(&missing).expect("made");
        assert!(
            data_directory(&settings(&missing, &[]))[0]
                .finding
                .contains("can be written")
        );
        assert_eq!(missing.read_dir().expect("listed").count(), 0, "no probe is left");
    }

    #[test]
    fn a_data_directory_open_to_others_is_a_fault_with_the_remedy() {
        let directory = tempfile::tempdir().expect("temporary directory");
        std::fs::write(directory.path().join("something"), "").expect("written");
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).expect("opened");
        let finding = &data_directory(&settings(directory.path(), &[]))[0];
        assert_eq!(finding.state, State::Fault);
        assert!(
            finding
                .remedy
                .as_deref()
                .is_some_and(|remedy| remedy.contains("chmod 700"))
        );
    }

    #[test]
    fn an_address_in_use_is_a_fault() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let bind = taken.local_addr().expect("an address").to_string();
        let directory = tempfile::tempdir().expect("temporary directory");
        let of_calls = settings(directory.path(), &[("SAMVAD_BIND", &bind)]);
        let of_the_api = settings(directory.path(), &[("SAMVAD_API_BIND", &bind)]);
        assert_eq!(api_address(&of_the_api).state, State::Fault);
        assert_eq!(address(&of_calls).state, State::Fault);
        drop(taken);
        assert_eq!(address(&of_calls).state, State::Ok);
    }

    #[tokio::test]
    async fn a_database_that_is_none_is_a_fault_and_a_new_one_says_its_version() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let settings = settings(directory.path(), &[]);
        assert!(database(&settings).await.finding.contains("first start"));
        SqlStore::open(&settings.database_url)
            .await
            .expect("made")
            .close()
            .await;
        assert!(database(&settings).await.finding.contains("schema version"));
        std::fs::write(
            directory.path().join("samvad.db"),
            "this is no database, though it is a file",
        )
        .expect("written");
        assert_eq!(database(&settings).await.state, State::Fault);
    }
}
