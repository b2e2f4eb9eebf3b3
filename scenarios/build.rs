//! Embeds the library of scenarios, so that programs need no checkout to run it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    // Asked when it runs: a compiled script may be used again for the same crate in another folder.
    let crate_root = env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo");
    let root = Path::new(&crate_root).join("library");
    println!("cargo:rerun-if-changed={}", root.display());
    let root = root.canonicalize()?;
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut source = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&root).expect("found below the root");
        let name = name.with_extension("");
        let name = name.to_str().expect("names of scenarios are UTF-8");
        let name = name.replace('\\', "/");
        writeln!(source, "    ({name:?}, include_str!({file:?})),").expect("writing to a string");
    }
    source.push_str("]\n");
    fs::write(
        PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo")).join("library.rs"),
        source,
    )
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(path);
        }
    }
    Ok(())
}
