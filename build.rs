//! Finds PocketSphinx, the embedded recogniser's library, through pkg-config.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for library in ["pocketsphinx", "sphinxbase"] {
        if let Err(error) = pkg_config::Config::new().probe(library) {
            println!(
                "cargo::error={library} was not found by pkg-config; on Debian: apt install libpocketsphinx-dev \
                 libsphinxbase-dev pkg-config ({error})"
            );
        }
    }
}
