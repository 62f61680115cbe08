//! `samvad migrate`.

use super::support::{run, samvad};

#[test]
fn the_schema_is_shown_taken_back_after_a_confirmation_and_brought_up_again() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let migrate = |args: &[&str]| {
        let args = [&["migrate"], args].concat();
        run(&mut samvad(directory.path(), &args))
    };
    let (out, err, status) = migrate(&["up"]);
    assert_eq!(status, Some(0), "{err}");
    assert!(out.contains("schema version 0 -> "), "{out}");
    let (out, _, status) = migrate(&["up"]);
    assert_eq!(status, Some(0));
    assert!(out.contains("nothing to do"), "{out}");

    let (_, err, status) = migrate(&["down", "--to", "1"]);
    assert_eq!(status, Some(2), "nobody was asked");
    assert!(err.contains("--yes"), "{err}");
    let (out, _, status) = migrate(&["status"]);
    assert_eq!(status, Some(0), "nothing was changed: {out}");

    let (out, err, status) = migrate(&["down", "--to", "1", "--yes"]);
    assert_eq!(status, Some(0), "{err}");
    assert!(out.contains("-> 1"), "{out}");
    let (out, _, status) = migrate(&["status"]);
    assert_eq!(status, Some(1));
    assert!(out.contains("samvad migrate up") && out.contains("missing"), "{out}");
    assert_eq!(migrate(&["up"]).2, Some(0));
    assert_eq!(migrate(&["status"]).2, Some(0));
}
