//! Which requests the server sees in a connection's bytes. It has to see those of the second reader, with the same
//! bodies, or to refuse and close the connection.

use std::net::SocketAddr;

use crate::client::{Client, NoAnswer, own_address, show};
use crate::common::Answer;
use crate::dice::Dice;
use crate::request::{self, Due, due, marks_of_answer, marks_of_request, word};
use crate::run::{Tally, is_long, run};
use crate::standard::{self, After, Message, Rest, Trust};
use crate::stream::{pieces, stream};
use crate::world::World;

/// A connection's bytes, what the second reader saw in them, and what came back.
struct Exchange {
    sent: Vec<u8>,
    messages: Vec<Message>,
    rest: Rest,
    answers: Vec<Answer>,
    /// Why no further answer came; none: the client awaited none.
    end: Option<NoAnswer>,
    invitations: usize,
}

#[test]
fn the_server_sees_the_requests_that_the_standard_sees() {
    let world = World::start(&request::world());
    let address = world.server.address;
    let (made, tally) = run("framing", 40, |dice, tally| {
        let stream = stream(dice);
        let sent = ended(dice, stream);
        if dice.percent(2) {
            // A client that does not wait for its answer.
            Client::connect(address, own_address(dice))?.write(&sent);
            return Ok(1);
        }
        let exchange = exchange(dice, address, sent)?;
        judge(&exchange, tally).map_err(|what| format!("{what}\n{}", exchange.show()))?;
        Ok(exchange.messages.len().max(1) as u64)
    });
    world.stop();
    if is_long(made) {
        for what in [
            "marked",
            "refused what is broken",
            "refused what may be",
            "cut",
            "took what may be",
        ] {
            assert!(tally.seen(what) > 0, "never seen: {what}");
        }
        assert!(
            tally.seen("marked") > made / 5,
            "too few requests were understood"
        );
    }
}

/// Ends the stream with an innocent request, which shows a server that is out of step. Where the stream leaves
/// something open, the client closes its half of the connection instead.
fn ended(dice: &mut Dice, mut sent: Vec<u8>) -> Vec<u8> {
    let (messages, rest) = standard::read(&sent);
    let is_open = messages
        .last()
        .is_none_or(|last| last.after != After::Closes);
    if matches!(rest, Rest::Nothing) && (is_open || dice.percent(20)) {
        let mark = word(dice.below(request::MARKS));
        sent.extend(
            format!(
                "GET /sign-in?username={mark} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            )
            .bytes(),
        );
    }
    sent
}

fn exchange(dice: &mut Dice, address: SocketAddr, sent: Vec<u8>) -> Result<Exchange, String> {
    let (messages, rest) = standard::read(&sent);
    let mut client = Client::connect(address, own_address(dice))?;
    client.write_in_pieces(&sent, &pieces(dice, &sent));
    let is_closed_anyway = messages
        .last()
        .is_some_and(|last| last.after == After::Closes);
    if !is_closed_anyway || !matches!(rest, Rest::Nothing) {
        // Nothing more comes, so the server need not wait for it.
        client.finish_writing();
    }
    let mut exchange = Exchange {
        sent,
        messages,
        rest,
        answers: Vec::new(),
        end: None,
        invitations: 0,
    };
    // One more than allowed, so that a surplus answer is found.
    for place in 0..exchange.messages.len() + 2 {
        let message = exchange.messages.get(place).or(exchange.rest.head());
        let is_head = message.is_some_and(|message| message.method == b"HEAD");
        match client.answer(is_head) {
            Ok(answer) => exchange.answers.push(answer),
            Err(end) => {
                exchange.end = Some(end);
                break;
            }
        }
    }
    exchange.invitations = client.invitations;
    Ok(exchange)
}

/// The statuses with which the connection itself refuses what it cannot read.
const BROKEN: [&str; 4] = [
    "Request is not HTTP/1.1",
    "Request was not complete in time",
    "Request line and headers are larger than",
    "Body is incomplete",
];

fn is_refusal(answer: &Answer) -> bool {
    let text = String::from_utf8_lossy(&answer.body);
    BROKEN.iter().any(|broken| text.contains(broken))
}

fn closes(answer: &Answer) -> bool {
    let connection = answer.header("connection");
    connection.is_some_and(|value| value.eq_ignore_ascii_case("close"))
}

/// Compares what the server did with what the second reader saw.
fn judge(exchange: &Exchange, tally: &Tally) -> Result<(), String> {
    for answer in &exchange.answers {
        tally.see(format!("status {}", answer.status));
        if answer.status >= 500 || answer.status == 101 {
            return Err(format!("status {}", answer.status));
        }
    }
    match &exchange.end {
        Some(NoAnswer::Closed) => {}
        Some(other) => return Err(format!("the connection ended with {other:?}")),
        None => return Err("more answers than requests".into()),
    }
    let all = exchange.messages.iter().chain(exchange.rest.head());
    if exchange.invitations > all.filter(|message| message.has_expectation).count() {
        return Err("a body was asked for that nobody offered".into());
    }
    let mut answers = exchange.answers.iter();
    for (place, message) in exchange.messages.iter().enumerate() {
        let at = |what: String| format!("request {}: {what}", place + 1);
        let Some(answer) = answers.next() else {
            return match message.trust {
                // Hanging up counts as refusing.
                Trust::Either(_) => {
                    tally.see("hung up");
                    Ok(())
                }
                Trust::Sure => Err(at("not answered".into())),
            };
        };
        let is_over = judge_one(message, answer, tally).map_err(at)?;
        if is_over {
            return match answers.next() {
                None => Ok(()),
                Some(_) => Err(at("answers behind the last one".into())),
            };
        }
    }
    match (&exchange.rest, answers.as_slice()) {
        (Rest::Nothing, []) => return Ok(()),
        (Rest::Nothing, _) => return Err("an answer to no request".into()),
        (Rest::Cut(_), _) => tally.see("cut"),
        (Rest::Broken(..), _) => tally.see("refused what is broken"),
    }
    judge_rest(exchange.rest.head(), answers.as_slice())
}

/// Judges the answer to a request. Says whether it was the connection's last.
fn judge_one(message: &Message, answer: &Answer, tally: &Tally) -> Result<bool, String> {
    let closes = closes(answer);
    check_marks(message, answer)?;
    if is_refusal(answer) {
        let Trust::Either(_) = message.trust else {
            return Err("refused, and it is well-formed".into());
        };
        tally.see("refused what may be");
        return match closes {
            true => Ok(true),
            false => Err("refused, and the connection stays open".into()),
        };
    }
    if let Trust::Either(_) = message.trust {
        tally.see("took what may be");
    }
    let is_limit = matches!(message.trust, Trust::Either(_)) && answer.status != 200;
    match due(message) {
        _ if is_limit => {}
        Due::Mark(mark) => {
            tally.see("marked");
            let marks = marks_of_answer(answer);
            if answer.status != 200 || !marks.contains(&mark) {
                return Err(format!("expected the number {mark}, and found {marks:?}"));
            }
        }
        Due::Success if answer.status != 200 => return Err(format!("status {}", answer.status)),
        Due::Success | Due::Anything => tally.see("unmarked"),
    }
    match message.after {
        After::Closes if !closes => Err("the last request, and the connection stays open".into()),
        After::Stays if closes && answer.status == 200 && message.trust == Trust::Sure => {
            Err("the connection is closed, and nobody asked for it".into())
        }
        _ => Ok(closes),
    }
}

/// The answer brings back only numbers from its own request.
fn check_marks(message: &Message, answer: &Answer) -> Result<(), String> {
    let (sent, back) = (marks_of_request(message), marks_of_answer(answer));
    match back.is_subset(&sent) {
        true => Ok(()),
        false => Err(format!(
            "the answer to another request: {back:?}, and {sent:?} were sent"
        )),
    }
}

/// A request that is broken or incomplete gets no answer, or one answer that is the connection's last.
fn judge_rest(head: Option<&Message>, answers: &[Answer]) -> Result<(), String> {
    match answers {
        [] => Ok(()),
        [one] if !closes(one) => Err("broken, and the connection stays open".into()),
        [one] if !(400..500).contains(&one.status) => {
            Err(format!("broken, and answered with {}", one.status))
        }
        [one] => head.map_or(Ok(()), |head| check_marks(head, one)),
        _ => Err("broken, and answered more than once".into()),
    }
}

impl Exchange {
    fn show(&self) -> String {
        let mut shown = format!("sent {} bytes:\n{}\n", self.sent.len(), show(&self.sent));
        for (place, message) in self.messages.iter().enumerate() {
            shown += &format!(
                "the standard sees request {}: {} {} with {} bytes of body, {:?}, {:?}, due {:?}\n",
                place + 1,
                show(&message.method),
                show(&message.target),
                message.body.len(),
                message.trust,
                message.after,
                due(message)
            );
        }
        shown += &match &self.rest {
            Rest::Nothing => "then nothing\n".into(),
            Rest::Cut(_) => "then part of a request\n".to_owned(),
            Rest::Broken(why, _) => format!("then what has to be refused: {why}\n"),
        };
        for (place, answer) in self.answers.iter().enumerate() {
            let body = match answer.is_gzipped() {
                true => answer.text(),
                false => show(&answer.body),
            };
            let body: String = body.chars().take(300).collect();
            shown += &format!(
                "answer {}: {}, connection {:?}, {:?}: {body}\n",
                place + 1,
                answer.status,
                answer.header("connection"),
                marks_of_answer(answer)
            );
        }
        shown + &format!("then {:?}\n", self.end)
    }
}
