//! A real server on a real socket, and a client that writes and reads bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use linebook::http::server::{Options, bind, run};
use rustix::net::{AddressFamily, SocketType, socket};

use super::{Answer, Request, World};

/// After this a client gives up. Only a server that hangs takes this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves a world on a free port of this machine until the test binary ends.
pub fn serve(world: &World) -> SocketAddr {
    serve_with(world, Options::default())
}

/// Serves a world with these limits.
pub fn serve_with(world: &World, options: Options) -> SocketAddr {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let app = world.app.clone();
    let options = Options {
        workers: 2,
        shutdown_timeout: Duration::from_secs(1),
        ..options
    };
    std::thread::spawn(move || run(app, listener, options, || Ok(())).unwrap());
    address
}

/// A connection.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects.
    pub fn new(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    /// Connects from this address of the machine: all of 127.0.0.0/8 are its own.
    pub fn from(source: &str, address: SocketAddr) -> Self {
        let source = SocketAddr::new(source.parse().unwrap(), 0);
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&socket, &source).unwrap();
        rustix::net::connect(&socket, &address).unwrap();
        Self::over(socket.into())
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Writes bytes.
    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    /// A second handle for writing from another thread.
    pub fn writer(&self) -> TcpStream {
        self.stream.get_ref().try_clone().unwrap()
    }

    /// Sends a request and reads its answer.
    pub fn send(&mut self, request: &Request) -> Answer {
        self.write(&request.to_bytes());
        self.read(request.verb != "HEAD").unwrap()
    }

    /// Reads one answer; an error if the connection breaks off.
    pub fn read(&mut self, has_body: bool) -> std::io::Result<Answer> {
        let status = self.line()?;
        let status = status
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let mut answer = Answer {
            status: status.ok_or(std::io::ErrorKind::UnexpectedEof)?,
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            answer.headers.push((name.to_lowercase(), value.into()));
        }
        if !has_body {
            return Ok(answer);
        }
        if answer.header("transfer-encoding") == Some("chunked") {
            loop {
                let length = usize::from_str_radix(&self.line()?, 16).unwrap();
                let mut chunk = vec![0; length + 2];
                self.stream.read_exact(&mut chunk)?;
                if length == 0 {
                    return Ok(answer);
                }
                answer.body.extend(&chunk[..length]);
            }
        }
        let length = answer
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        answer.body.resize(length, 0);
        self.stream.read_exact(&mut answer.body)?;
        Ok(answer)
    }

    /// Whether the server has closed the connection, once everything that came has been read.
    pub fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        // A reset counts as closed.
        self.stream.read_to_end(&mut rest).map_or(true, |_| true)
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches("\r\n").into())
    }
}

/// Sends one request on a connection of its own.
pub fn send(address: SocketAddr, request: &Request) -> Answer {
    Client::new(address).send(request)
}

/// Sends every request at the same time, each on a connection that is already open.
pub fn send_together(address: SocketAddr, requests: &[Request]) -> Vec<Answer> {
    let start = std::sync::Barrier::new(requests.len());
    std::thread::scope(|scope| {
        let threads: Vec<_> = requests
            .iter()
            .map(|request| {
                let start = &start;
                scope.spawn(move || {
                    let mut client = Client::new(address);
                    start.wait();
                    client.send(request)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}
