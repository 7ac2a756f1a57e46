fn main() {
    // The migrations are embedded when the crate is compiled.
    println!("cargo:rerun-if-changed=migrations");
}
