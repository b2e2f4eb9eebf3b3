//! One connection: it reads a frame, has it answered, writes the answer, and reads the next one.
//!
//! So a client that does not read its answers is not read any more either, and nothing piles up
//! (`SocketServer` mutes a channel in the same way).

use crate::control::{Command, Control};
use crate::frame;
use crate::inside::Answer;
use plimsoll_oracle::BrokerId;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

/// Serves a client until it or the broker closes the connection.
pub(crate) async fn serve(mut stream: TcpStream, broker: BrokerId, control: Control) {
    let Ok(peer) = stream.peer_addr() else {
        return;
    };
    let _ = stream.set_nodelay(true);
    let (reply, connected) = oneshot::channel();
    control.send(Command::Connect {
        broker,
        client_host: peer.ip().to_string(),
        is_own: false,
        reply,
    });
    let Ok((id, mut answers)) = connected.await else {
        return;
    };
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader);
    loop {
        let read = tokio::select! {
            read = frame::read(&mut reader) => read,
            // Nothing is asked, so nothing is answered: this is the end.
            _ = answers.recv() => break,
        };
        let Ok(Some(frame)) = read else {
            break;
        };
        control.send(Command::Received(id, frame));
        match answers.recv().await {
            Some(Answer::Done) => {}
            Some(Answer::Frame(frame)) => {
                let written = tokio::select! {
                    written = frame::write(&mut writer, frame) => written.is_ok(),
                    () = closed(&mut answers) => false,
                };
                if !written {
                    break;
                }
            }
            None => break,
        }
    }
    control.send(Command::Disconnected(id));
}

/// Waits until the broker closes the connection.
async fn closed(answers: &mut mpsc::Receiver<Answer>) {
    while answers.recv().await.is_some() {}
}
