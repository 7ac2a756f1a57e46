#![forbid(unsafe_code)]
//! The assistant behind any screen: what the window shows and does, without a window.
//!
//! | module | what |
//! | --- | --- |
//! | [`commands`] | every command by name, one list; what a screen calls |
//! | [`contract`] | the same list as a document, from which the pages' types come |
//! | [`view`] | what a screen is shown |
//! | [`data_dir`] | the data directory: portal, trusted roots, session, journal |
//! | [`diagnosis`] | whether this machine can work with a USBKEY |
//! | [`words`] | words for tray, notifications, terminal |
//! | [`store`] | the user's certificate store of the system |
//! | [`process`] | what a process does that secrets pass through |
//! | `tokens` | the tokens that are inserted, read as they come |
//! | `jobs` | a flow under way: its steps, its questions, its end |
//! | `context` | what all of them work with; knows none of them |
//! | `portal` | session, certificates, orders |
//! | `reminders` | certificates that come to their end |
//!
//! A screen calls [`Assistant::call`] and listens with [`Assistant::listen`]. Whatever carries the calls (the window's
//! IPC, HTTP in development) translates and decides nothing. Calls block; each wants a thread of its own.

mod assistant;
pub mod commands;
mod context;
pub mod contract;
pub mod data_dir;
mod described;
pub mod diagnosis;
mod error;
mod events;
pub mod flow_parts;
mod job_commands;
mod jobs;
mod lock;
pub mod models;
mod portal;
pub mod process;
mod reminders;
mod revocation;
mod seen;
pub mod settings;
mod start;
pub mod store;
mod tokens;
pub mod view;
pub mod words;

pub use assistant::Assistant;
pub use error::{AssistantError, Result};
