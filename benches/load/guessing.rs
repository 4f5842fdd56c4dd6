//! People who sign in to the web pages while a hundred addresses guess passwords. Each has an own address of this
//! machine.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use linebook::ambient::Ambient;
use linebook::service::sessions::{form_token, new_token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::LocalSet;
use tokio::time::{sleep, sleep_until};

use super::server::Server;
use super::{Bench, world};

/// Addresses that guess.
const GUESSERS: u8 = 100;
/// Guesses that each address has under way.
const AT_ONCE: usize = 2;
/// The pause of a guesser after a refused guess, which bounds the load.
const PAUSE: Duration = Duration::from_millis(20);
/// How long they guess before the first person signs in.
const AHEAD: Duration = Duration::from_millis(500);
/// People who sign in per turn, each once, from an address that is new to them.
const PEOPLE: u8 = 20;
/// How long a person may wait.
const PATIENCE: Duration = Duration::from_secs(2);
/// The share of people who must be let in within that time.
const MOST: f64 = 0.95;

impl Bench {
    /// The share of right sign-ins that succeed in time, over all turns.
    pub fn guessing(&mut self) {
        let data = self.world("guessing", self.plan.small);
        let turns = self.plan.turns as u8;
        world::give_passwords(&data, u64::from(PEOPLE) * u64::from(turns));
        let server = Server::linebook(&data, &[]);
        let waits: Vec<Option<Duration>> = (0..turns)
            .flat_map(|turn| sign_in_while_guessing(server.address, turn, self.plan.turn))
            .collect();
        let in_time = waits.iter().flatten().filter(|wait| **wait <= PATIENCE);
        let share = in_time.count() as f64 / waits.len() as f64;
        let slowest = waits.iter().flatten().max();
        let refused = waits.iter().filter(|wait| wait.is_none()).count();
        eprintln!(
            "{refused} of {} were refused; the slowest of the others took {slowest:?}",
            waits.len()
        );
        self.row(
            "right sign-ins within 2 s while 100 addresses guess: share",
            share,
            "at least 0.95",
            share >= MOST,
        );
        self.retire(server);
    }
}

/// The wait of each person; none: they were not let in.
fn sign_in_while_guessing(server: SocketAddr, turn: u8, over: Duration) -> Vec<Option<Duration>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let local = LocalSet::new();
    let is_over = Rc::new(Cell::new(false));
    local.block_on(&runtime, async {
        for guesser in 1..=GUESSERS {
            for place in 0..AT_ONCE {
                let from = Ipv4Addr::new(127, 1, turn, guesser);
                tokio::task::spawn_local(guess(server, from, place, is_over.clone()));
            }
        }
        let begin = tokio::time::Instant::now() + AHEAD;
        let people = (0..PEOPLE).map(|person| {
            let from = Ipv4Addr::new(127, 2, turn, person + 1);
            let username = format!(
                "user{}",
                usize::from(turn) * usize::from(PEOPLE) + usize::from(person)
            );
            let planned = begin + over * u32::from(person) / u32::from(PEOPLE);
            tokio::task::spawn_local(async move {
                sleep_until(planned).await;
                let mut stream = connect(server, from).await;
                let status = ask(&mut stream, &username, world::PASSWORD).await;
                (status == 303).then(|| planned.elapsed())
            })
        });
        let people: Vec<_> = people.collect();
        let mut waits = Vec::new();
        for person in people {
            waits.push(person.await.expect("an answer"));
        }
        is_over.set(true);
        waits
    })
}

/// Sends one wrong password after the other.
async fn guess(server: SocketAddr, from: Ipv4Addr, place: usize, is_over: Rc<Cell<bool>>) {
    let mut stream = connect(server, from).await;
    for number in 0_u64.. {
        if is_over.get() {
            return;
        }
        let username = format!(
            "user{}",
            world::scatter(number + from.to_bits() as u64) % 500
        );
        let password = format!("wrong {from} {place} {number}");
        if ask(&mut stream, &username, &password).await != 422 {
            sleep(PAUSE).await;
        }
    }
}

async fn connect(server: SocketAddr, from: Ipv4Addr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind((from, 0).into())
        .expect("an address of this machine");
    let stream = socket.connect(server).await.expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    stream
}

/// Sends the form of the sign-in page, and gives the status of the answer.
async fn ask(stream: &mut TcpStream, username: &str, password: &str) -> u16 {
    let token = new_token(&AMBIENT.with(Rc::clone));
    let form = format!(
        "form_token={}&username={username}&password={}",
        form_token(&token),
        password.replace(' ', "+")
    );
    let request = format!(
        "POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: linebook={token}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let (mut answer, mut some) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut some).await.expect("an answer");
        assert!(count > 0, "the server closed the connection");
        answer.extend(&some[..count]);
        let Some(head) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            continue;
        };
        let text = std::str::from_utf8(&answer[..head]).expect("a head is ASCII");
        if answer.len() >= head + 4 + super::client::content_length(text) {
            return text[9..12].parse().expect("a status");
        }
    }
}

thread_local! {
    /// The dice for the tokens.
    static AMBIENT: Rc<Ambient> = Rc::new(Ambient::system());
}
