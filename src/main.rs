//! The `talkdeck` program.

fn main() {}
