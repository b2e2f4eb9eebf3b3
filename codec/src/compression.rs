//! What was compressed, as it was before: in every compression that needs no C, and within a bound.

use bytes::{Buf as _, Bytes};
use flate2::read::GzDecoder;
use kafka_protocol::records::Compression;
use lz4_flex::frame::FrameDecoder;
use ruzstd::decoding::StreamingDecoder;
use snap::raw::{Decoder, decompress_len};
use std::io::{self, Read};

/// The greatest number of bytes to which a batch may expand: a few kilobytes can stand for any
/// number of them.
///
/// It is the default of `receive.message.max.bytes`, by which librdkafka bounds what it takes off
/// the network, and what zstd expands to (`rd_kafka_zstd_decompress`); here it holds for each
/// compression.
pub const MOST_BYTES: usize = 100_000_000;

/// What stands before the blocks of Snappy as Java writes it: a name, and two versions
/// (`SnappyCodec.MAGIC_HEADER`).
const SNAPPY_NAME: &[u8] = b"\x82SNAPPY\0";
const SNAPPY_VERSIONS: usize = 8;

/// Returns the bytes that were compressed.
///
/// # Errors
/// Where no such compression made them, or they were more than [`MOST_BYTES`].
pub(crate) fn plain(bytes: &Bytes, compression: Compression) -> io::Result<Bytes> {
    plain_within(bytes, compression, MOST_BYTES)
}

fn plain_within(bytes: &Bytes, compression: Compression, most: usize) -> io::Result<Bytes> {
    let bytes = bytes.clone();
    let plain = match compression {
        Compression::None => return Ok(bytes),
        Compression::Gzip => all_of(GzDecoder::new(bytes.reader()), most),
        Compression::Snappy => unsnapped(&bytes, most),
        Compression::Lz4 => all_of(FrameDecoder::new(bytes.reader()), most),
        Compression::Zstd => {
            let decoder = StreamingDecoder::new(bytes.reader()).map_err(io::Error::other)?;
            all_of(decoder, most)
        }
    };
    Ok(plain?.into())
}

fn all_of(reader: impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    let read = reader.take(most as u64 + 1).read_to_end(&mut plain)?;
    match read > most {
        true => Err(too_large(most)),
        false => Ok(plain),
    }
}

/// Reads Snappy as Java writes it, in blocks behind a head, or as it is (`SnappyInputStream`).
fn unsnapped(bytes: &[u8], most: usize) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    let framed = bytes.strip_prefix(SNAPPY_NAME);
    let Some(mut blocks) = framed.and_then(|rest| rest.get(SNAPPY_VERSIONS..)) else {
        add_block(bytes, &mut plain, most)?;
        return Ok(plain);
    };
    while !blocks.is_empty() {
        let length = blocks.try_get_u32().map_err(io::Error::other)? as usize;
        let block = blocks.split_at_checked(length);
        let (block, rest) = block.ok_or(io::ErrorKind::UnexpectedEof)?;
        add_block(block, &mut plain, most)?;
        blocks = rest;
    }
    Ok(plain)
}

/// Adds a block of Snappy, whose length stands at its head.
fn add_block(block: &[u8], plain: &mut Vec<u8>, most: usize) -> io::Result<()> {
    let start = plain.len();
    let end = start.saturating_add(decompress_len(block)?);
    if end > most {
        return Err(too_large(most));
    }
    plain.resize(end, 0);
    Decoder::new().decompress(block, &mut plain[start..])?;
    Ok(())
}

fn too_large(most: usize) -> io::Error {
    io::Error::other(format!("it expands to more than {most} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BufMut as _;
    use flate2::write::GzEncoder;
    use lz4_flex::frame::FrameEncoder;
    use ruzstd::encoding::CompressionLevel;
    use std::io::Write as _;

    /// Returns bytes that are all the same, as far as they can be made small.
    fn bomb(compression: Compression, length: usize) -> Bytes {
        let plain = vec![7; length];
        let mut bytes = Vec::new();
        match compression {
            Compression::None => bytes = plain,
            Compression::Gzip => {
                let mut encoder = GzEncoder::new(&mut bytes, flate2::Compression::best());
                encoder.write_all(&plain).expect("it is written");
                encoder.finish().expect("it is written");
            }
            Compression::Snappy => {
                bytes.extend(SNAPPY_NAME);
                bytes.extend([0, 0, 0, 1, 0, 0, 0, 1]);
                for block in plain.chunks(32 << 10) {
                    let block = snap::raw::Encoder::new().compress_vec(block);
                    let block = block.expect("it is written");
                    bytes.put_u32(block.len() as u32);
                    bytes.extend(block);
                }
            }
            Compression::Lz4 => {
                let mut encoder = FrameEncoder::new(&mut bytes);
                encoder.write_all(&plain).expect("it is written");
                encoder.finish().expect("it is written");
            }
            Compression::Zstd => {
                ruzstd::encoding::compress(&plain[..], &mut bytes, CompressionLevel::Fastest);
            }
        }
        bytes.into()
    }

    const COMPRESSIONS: [Compression; 4] = [
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];

    #[test]
    fn a_batch_expands_to_no_more_than_the_bound() {
        const MOST: usize = 1_000_000;
        for compression in COMPRESSIONS {
            let bytes = bomb(compression, MOST);
            assert!(bytes.len() < MOST / 10, "{compression:?}");
            let plain = plain_within(&bytes, compression, MOST);
            assert_eq!(plain.expect("it is small enough"), vec![7; MOST]);
            let bytes = bomb(compression, MOST + 1);
            let error = plain_within(&bytes, compression, MOST).expect_err("it is too large");
            let expected = "it expands to more than 1000000 bytes";
            assert_eq!(error.to_string(), expected, "{compression:?}");
        }
    }

    #[test]
    fn no_more_is_read_than_the_bound() {
        let error = all_of(io::repeat(7), 1_000).expect_err("it has no end");
        assert_eq!(error.to_string(), "it expands to more than 1000 bytes");
    }

    #[test]
    fn a_length_in_snappy_takes_no_memory() {
        // A length of 4 GB, and one more block behind it.
        let alone = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0xf, 0, 7]);
        let framed = [SNAPPY_NAME, &[0; SNAPPY_VERSIONS], &[0, 0, 0, 7], &alone].concat();
        for bytes in [alone, framed.into()] {
            let error = plain(&bytes, Compression::Snappy).expect_err("it is too large");
            assert!(error.to_string().ends_with("more than 100000000 bytes"));
        }
    }
}
