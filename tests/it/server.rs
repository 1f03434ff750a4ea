//! The server over a real socket: limits, keys, TLS, drain, plain HTTP.

mod auth;
mod bad_input;
mod cold;
mod drain;
mod kit;
mod limits;
mod plain_http;
mod repeats;
mod start;
mod streams;
