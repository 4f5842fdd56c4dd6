//! `healthcheck`: whether a server answers, for containers and scripts.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::command::fault::Fault;
use crate::command::output::Report;
use crate::config::Listen;

/// How long the server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Ask the server at this address whether it is alive: exit code 0 when it is
#[derive(Debug, clap::Args)]
pub struct Healthcheck {
    #[command(flatten)]
    on: Listen,
}

impl Healthcheck {
    pub(super) fn run(self) -> Result<Report, Fault> {
        let address = reachable(self.on.listen);
        match ask(address) {
            Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => {
                Ok(Report::line(format!("{address} is alive")))
            }
            Ok(answer) => {
                let status = answer.lines().next().unwrap_or("nothing");
                Err(Fault::Said(format!("{address} answered `{status}`")))
            }
            Err(error) => Err(Fault::Said(format!("{address} does not answer: {error}"))),
        }
    }
}

/// A server that listens on every address is asked on loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let request =
        format!("GET /health/live HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer)?;
    Ok(answer)
}
