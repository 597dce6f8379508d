//! Where the output of functions goes: a file per function, a callback, and short tails for answers and errors.
//!
//! Invariant: a line is never split or interleaved with another, whatever process of the function wrote it.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock;
use crate::function::FunctionConfig;
use crate::invoker::HostError;

/// Lambda returns the last 4 KB of an invocation's log.
const TAIL_BYTES: usize = 4 * 1024;
/// Lines of standard error that accompany the error of a process that died.
const STDERR_LINES: usize = 20;

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStream {
    /// The process, on standard output.
    Stdout,
    /// The process, on standard error.
    Stderr,
    /// The host, about an invocation (Lambda's START, END and REPORT lines).
    Platform,
}

/// One line of a function's log.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// Name of the function.
    pub function: String,
    /// Who wrote the line.
    pub stream: LogStream,
    /// The newest invocation of the process that wrote it; `None` before its first.
    pub request_id: Option<String>,
    /// The line without its end.
    pub text: String,
}

/// Receives every line, in the order of writing per process. It is called on the host's tasks: do not block.
pub type LogCallback = Arc<dyn Fn(&LogLine) + Send + Sync>;

/// The log of one function.
pub(crate) struct LogSink {
    function: String,
    file: Option<Mutex<File>>,
    callback: Option<LogCallback>,
}

impl LogSink {
    pub(crate) fn open(config: &FunctionConfig) -> Result<Self, HostError> {
        let file = config
            .log_file
            .as_ref()
            .map(|path| {
                OpenOptions::new().create(true).append(true).open(path).map_err(|source| HostError::LogFile {
                    function: config.name.clone(),
                    path: path.clone(),
                    source,
                })
            })
            .transpose()?
            .map(Mutex::new);
        Ok(Self { function: config.name.clone(), file, callback: config.on_log.clone() })
    }

    fn write(&self, stream: LogStream, request_id: Option<&str>, text: &str) {
        if let Some(file) = &self.file {
            let name = match stream {
                LogStream::Stdout => "stdout",
                LogStream::Stderr => "stderr",
                LogStream::Platform => "platform",
            };
            let line = format!("{} {name} {text}\n", clock::iso8601(clock::now_ms()));
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = file.write_all(line.as_bytes()) {
                tracing::warn!(function = self.function, %error, "a log line was lost");
            }
        }
        if let Some(callback) = &self.callback {
            callback(&LogLine {
                function: self.function.clone(),
                stream,
                request_id: request_id.map(str::to_owned),
                text: text.to_owned(),
            });
        }
    }
}

/// The log of one environment: what its process writes, attributed to the invocation it works on.
pub(crate) struct EnvironmentLog {
    sink: Arc<LogSink>,
    tails: Mutex<Tails>,
}

#[derive(Default)]
struct Tails {
    request_id: Option<String>,
    lines: VecDeque<String>,
    bytes: usize,
    stderr: VecDeque<String>,
}

impl EnvironmentLog {
    pub(crate) fn new(sink: Arc<LogSink>) -> Self {
        Self { sink, tails: Mutex::default() }
    }

    fn tails(&self) -> MutexGuard<'_, Tails> {
        self.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the tail of a new invocation. What a process wrote while starting belongs to its first one.
    pub(crate) fn begin(&self, request_id: &str) {
        {
            let mut tails = self.tails();
            if tails.request_id.is_some() {
                tails.lines.clear();
                tails.bytes = 0;
            }
            tails.request_id = Some(request_id.to_owned());
        }
        self.line(LogStream::Platform, &format!("START RequestId: {request_id} Version: $LATEST"));
    }

    pub(crate) fn line(&self, stream: LogStream, text: &str) {
        let request_id = {
            let mut tails = self.tails();
            tails.bytes += text.len() + 1;
            tails.lines.push_back(text.to_owned());
            while tails.bytes > TAIL_BYTES
                && let Some(oldest) = tails.lines.pop_front()
            {
                tails.bytes -= oldest.len() + 1;
            }
            if stream == LogStream::Stderr {
                if tails.stderr.len() == STDERR_LINES {
                    tails.stderr.pop_front();
                }
                tails.stderr.push_back(text.to_owned());
            }
            tails.request_id.clone()
        };
        self.sink.write(stream, request_id.as_deref(), text);
    }

    pub(crate) fn tail(&self) -> String {
        let tails = self.tails();
        let mut text = String::with_capacity(tails.bytes);
        for line in &tails.lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    pub(crate) fn stderr_tail(&self) -> Vec<String> {
        self.tails().stderr.iter().cloned().collect()
    }
}
