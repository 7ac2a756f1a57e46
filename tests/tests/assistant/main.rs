//! The assistant as a screen has it: commands called by name, events heard, real keys, a real portal.

mod bad_calls;
mod keys;
mod portal;
mod renewal;
mod screen;
mod secrets;
mod unlock;
