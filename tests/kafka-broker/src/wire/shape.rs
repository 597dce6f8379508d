//! A check of a request's structure before it is decoded.
//!
//! The codec trusts the element counts of arrays and reserves memory for them; a forged count would end
//! the process. This module walks the bytes by a description of every request that the broker takes, and
//! refuses counts and lengths that do not fit into the bytes that are there. Nothing is allocated here.
//!
//! A description is text: `1`, `2`, `4`, `8` are numbers of so many bytes, `s` is text or bytes with a
//! short length, `b` is bytes with a long length, `( … )` is an array of structures and `[ … ]` an array
//! of plain values. `@v` behind an element says that it exists since version v; `@v-w` up to version w.
//! Source of the fields: Kafka protocol guide.

use kafka_protocol::messages::ApiKey;

/// Why a request cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ShapeError {
    #[error("the request is cut off or a length in it is wrong")]
    Short,
}

/// The description of a request's body.
fn describe(api: ApiKey) -> &'static str {
    match api {
        ApiKey::Produce => "s 2 4 (s (4 b))",
        ApiKey::Fetch => "4 4 4 4 1 4@7 4@7 (s (4 4@9 8 4@12 8@5 4)) (s [4])@7 s@11",
        ApiKey::ListOffsets => "4 1@2 (s (4 4@4 8))",
        ApiKey::Metadata => "(s) 1@4 1@8 1@8",
        ApiKey::OffsetCommit => "s 4 s s@7 8@2-4 (s (4 8 4@6 s))",
        ApiKey::OffsetFetch => "s (s [4]) 1@7",
        ApiKey::FindCoordinator => "s 1@1",
        ApiKey::JoinGroup => "s 4 4@1 s s@5 s (s b)",
        ApiKey::Heartbeat => "s 4 s s@3",
        ApiKey::LeaveGroup => "s s@0-2 (s s)@3",
        ApiKey::SyncGroup => "s 4 s s@3 (s b)",
        ApiKey::DescribeGroups => "[s] 1@3",
        ApiKey::ListGroups => "[s]@4",
        ApiKey::DeleteGroups => "[s]",
        ApiKey::SaslHandshake => "s",
        ApiKey::SaslAuthenticate => "b",
        ApiKey::ApiVersions => "s@3 s@3",
        ApiKey::CreateTopics => "(s 4 2 (4 [4]) (s s)) 4 1",
        ApiKey::DeleteTopics => "[s] 4",
        ApiKey::DeleteRecords => "(s (4 8)) 4",
        ApiKey::InitProducerId => "s 4 8@3 2@3",
        ApiKey::CreatePartitions => "(s 4 ([4])) 4 1",
        ApiKey::DescribeConfigs => "(1 s [s]) 1 1@3",
        ApiKey::IncrementalAlterConfigs => "(1 s (s 1 s)) 1",
        _ => "",
    }
}

/// Checks the body of a request. `flexible`: the version uses compact lengths and tagged fields.
///
/// Bytes after the last field are ignored, as Apache Kafka does: librdkafka 2.16 sends three of them in a
/// Metadata request for all topics.
pub(crate) fn check(api: ApiKey, version: i16, flexible: bool, body: &[u8]) -> Result<(), ShapeError> {
    Walker { rest: body, version, flexible }.structure(describe(api))
}

struct Walker<'a> {
    rest: &'a [u8],
    version: i16,
    flexible: bool,
}

impl Walker<'_> {
    fn structure(&mut self, description: &str) -> Result<(), ShapeError> {
        let mut rest = description;
        while let Some((element, since, until, tail)) = next_element(rest) {
            if (since..=until).contains(&self.version) {
                self.element(element)?;
            }
            rest = tail;
        }
        if self.flexible {
            self.tagged_fields()?;
        }
        Ok(())
    }

    fn element(&mut self, element: &str) -> Result<(), ShapeError> {
        match element {
            "1" => self.skip(1),
            "2" => self.skip(2),
            "4" => self.skip(4),
            "8" => self.skip(8),
            "s" => {
                let length = self.length(2)?;
                self.skip(length)
            }
            "b" => {
                let length = self.length(4)?;
                self.skip(length)
            }
            array => {
                let inner = &array[1..array.len() - 1];
                let count = self.length(4)?;
                // Every element takes at least one byte.
                if count > self.rest.len() {
                    return Err(ShapeError::Short);
                }
                for _ in 0..count {
                    if array.starts_with('(') {
                        self.structure(inner)?;
                    } else {
                        self.element(inner)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// A length or count; absent values have none, which counts as 0.
    fn length(&mut self, width: usize) -> Result<usize, ShapeError> {
        if self.flexible {
            let length = self.varint()?;
            return Ok(length.saturating_sub(1) as usize);
        }
        let (head, tail) = self.rest.split_at_checked(width).ok_or(ShapeError::Short)?;
        self.rest = tail;
        let length = match *head {
            [a, b] => i32::from(i16::from_be_bytes([a, b])),
            [a, b, c, d] => i32::from_be_bytes([a, b, c, d]),
            _ => unreachable!("lengths are 2 or 4 bytes wide"),
        };
        match length {
            -1 => Ok(0),
            length => usize::try_from(length).map_err(|_| ShapeError::Short),
        }
    }

    fn tagged_fields(&mut self) -> Result<(), ShapeError> {
        for _ in 0..self.varint()? {
            let _tag = self.varint()?;
            let size = self.varint()? as usize;
            self.skip(size)?;
        }
        Ok(())
    }

    fn varint(&mut self) -> Result<u32, ShapeError> {
        let mut value = 0u64;
        for shift in (0..35).step_by(7) {
            let (&byte, tail) = self.rest.split_first().ok_or(ShapeError::Short)?;
            self.rest = tail;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| ShapeError::Short);
            }
        }
        Err(ShapeError::Short)
    }

    fn skip(&mut self, count: usize) -> Result<(), ShapeError> {
        self.rest = self.rest.get(count..).ok_or(ShapeError::Short)?;
        Ok(())
    }
}

/// Splits the first element off a description: its text, its versions, and what follows.
fn next_element(description: &str) -> Option<(&str, i16, i16, &str)> {
    let description = description.trim_start();
    let mut depth = 0;
    let end = description.char_indices().find_map(|(at, c)| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at + c.len_utf8())
    })?;
    let (element, rest) = description.split_at(end);
    let Some(versions) = rest.strip_prefix('@') else {
        return Some((element, 0, i16::MAX, rest));
    };
    let stop = versions.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(versions.len());
    let (versions, rest) = versions.split_at(stop);
    let (since, until) = versions.split_once('-').unwrap_or((versions, "32767"));
    let number = |text: &str| text.parse().expect("descriptions are constants of this file");
    Some((element, number(since), number(until), rest))
}
