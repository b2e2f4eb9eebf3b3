//! The image at work. Needs Docker and the image.

use plimsoll_testcontainers::Plimsoll;
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use testcontainers::runners::AsyncRunner as _;

/// ApiVersions v0, request 7, of a client without a name.
const API_VERSIONS: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 255, 255];

#[tokio::test]
async fn every_broker_is_reached_where_it_says_that_it_is() -> Result<(), Box<dyn Error>> {
    let plimsoll = Plimsoll::new(3)?;
    let container = plimsoll.request().start().await?;
    for broker in plimsoll.bootstrap().split(',') {
        let mut stream = TcpStream::connect(broker)?;
        stream.write_all(&API_VERSIONS)?;
        let mut answer = [0; 8];
        stream.read_exact(&mut answer)?;
        assert_eq!(answer[4..], [0, 0, 0, 7]);
    }
    let mut stream = TcpStream::connect(plimsoll.http())?;
    write!(
        stream,
        "GET /cluster HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )?;
    let mut cluster = String::new();
    stream.read_to_string(&mut cluster)?;
    assert_eq!(
        cluster.matches(r#""state":"serving""#).count(),
        3,
        "{cluster}"
    );
    Ok(container.stop().await?)
}
