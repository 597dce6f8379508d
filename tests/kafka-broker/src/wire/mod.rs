//! Frames: a length, a request header, a body; and back. What a client may send is decided here.
//!
//! Nothing a client sends reaches the codec before its version is known to be supported and its shape is
//! checked. An error of this module ends the connection it came from and nothing else.

mod shape;
#[cfg(test)]
mod tests;
pub(crate) mod versions;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The largest request (Kafka's `socket.request.max.bytes`).
pub(crate) const MAX_FRAME: usize = 100 * 1024 * 1024;
/// The largest request before a login (Kafka's `sasl.server.max.receive.size`).
pub(crate) const MAX_FRAME_BEFORE_LOGIN: usize = 512 * 1024;

/// Why a connection has to be closed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("the connection failed")]
    Io(#[from] std::io::Error),
    #[error("a frame of {0} bytes was announced")]
    Size(i32),
    #[error("the frame is too short for a request header")]
    Header,
    #[error("the request has the unknown kind {0}")]
    UnknownApi(i16),
    #[error("{api:?} version {version} is not supported")]
    Version { api: ApiKey, version: i16 },
    #[error("{api:?} version {version} has the wrong shape: {source}")]
    Shape { api: ApiKey, version: i16, source: shape::ShapeError },
    #[error("{api:?} version {version} could not be decoded: {reason}")]
    Decode { api: ApiKey, version: i16, reason: String },
    #[error("the answer to {api:?} version {version} could not be encoded: {reason}")]
    Encode { api: ApiKey, version: i16, reason: String },
    #[error("{0:?} was sent before the login")]
    BeforeLogin(ApiKey),
    #[error("the login expired and was not renewed")]
    LoginExpired,
    #[error("a record batch was refused and its producer wants no answer")]
    RefusedWithoutAnswer,
}

/// One request: what it is and its undecoded body.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) api: ApiKey,
    pub(crate) version: i16,
    pub(crate) correlation: i32,
    pub(crate) client_id: String,
    /// False only for ApiVersions, which is answered in any version.
    pub(crate) supported: bool,
    body: Bytes,
}

/// Reads one frame. `None`: the client closed the connection between two frames.
pub(crate) async fn read_frame<R: AsyncRead + Unpin>(
    stream: &mut R,
    limit: usize,
) -> Result<Option<Bytes>, FrameError> {
    let mut length = [0; 4];
    if stream.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut length[1..]).await?;
    let announced = i32::from_be_bytes(length);
    let size = usize::try_from(announced).ok().filter(|&size| size <= limit).ok_or(FrameError::Size(announced))?;
    // Memory grows with what arrives, not with what is announced.
    let mut frame = BytesMut::with_capacity(size.min(64 * 1024));
    let mut body = stream.take(size as u64);
    while frame.len() < size {
        if body.read_buf(&mut frame).await? == 0 {
            return Err(FrameError::Io(std::io::ErrorKind::UnexpectedEof.into()));
        }
    }
    Ok(Some(frame.freeze()))
}

impl Request {
    /// Takes the header off a frame and checks kind, version and shape.
    pub(crate) fn open(mut frame: Bytes) -> Result<Self, FrameError> {
        if frame.len() < 8 {
            return Err(FrameError::Header);
        }
        let mut peek = &frame[..];
        let (key, version) = (peek.get_i16(), peek.get_i16());
        let api = ApiKey::try_from(key).map_err(|()| FrameError::UnknownApi(key))?;
        let supported = versions::supported(api, version);
        if !supported && api != ApiKey::ApiVersions {
            return Err(match versions::range(api) {
                Some(_) => FrameError::Version { api, version },
                None => FrameError::UnknownApi(key),
            });
        }
        if !supported {
            // A newer ApiVersions is answered with the oldest version, so only the correlation matters.
            peek.advance(0);
            return Ok(Self {
                api,
                version: 0,
                correlation: peek.get_i32(),
                client_id: String::new(),
                supported,
                body: Bytes::new(),
            });
        }
        let header_version = api.request_header_version(version);
        let header = RequestHeader::decode(&mut frame, header_version).map_err(|error| FrameError::Decode {
            api,
            version,
            reason: error.to_string(),
        })?;
        shape::check(api, version, header_version >= 2, &frame).map_err(|source| FrameError::Shape {
            api,
            version,
            source,
        })?;
        Ok(Self {
            api,
            version,
            correlation: header.correlation_id,
            client_id: header.client_id.map(|id| id.to_string()).unwrap_or_default(),
            supported,
            body: frame,
        })
    }

    /// Decodes the body.
    pub(crate) fn body<T: Decodable>(&self) -> Result<T, FrameError> {
        T::decode(&mut self.body.clone(), self.version).map_err(|error| FrameError::Decode {
            api: self.api,
            version: self.version,
            reason: error.to_string(),
        })
    }

    /// Encodes the answer as a frame.
    pub(crate) fn answer<T: Encodable + HeaderVersion>(&self, answer: &T) -> Result<Bytes, FrameError> {
        let failed = |reason: String| FrameError::Encode { api: self.api, version: self.version, reason };
        let mut frame = BytesMut::new();
        frame.put_i32(0);
        ResponseHeader::default()
            .with_correlation_id(self.correlation)
            .encode(&mut frame, T::header_version(self.version))
            .and_then(|()| answer.encode(&mut frame, self.version))
            .map_err(|error| failed(error.to_string()))?;
        let size = i32::try_from(frame.len() - 4).map_err(|_| failed("it is larger than 2 GiB".to_owned()))?;
        frame[..4].copy_from_slice(&size.to_be_bytes());
        Ok(frame.freeze())
    }
}
