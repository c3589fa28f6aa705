//! Tells cargo that a new migration changes the crate: `migrate!` itself watches known files only.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
