//! The program as its users meet it: started as a process, judged by what it prints and how it
//! ends.

mod backend;
mod bench;
mod compare;
mod config;
mod convictions;
mod determinism;
mod embedded;
mod exit_codes;
mod explain;
mod files;
mod help;
#[cfg(unix)]
mod interrupt;
mod program;
mod readme;
mod regressions;
mod report;
mod report_files;
mod report_page;
#[cfg(unix)]
mod serve;
