//! HTTP by hand, for test servers of which every byte and every pause is their own.

use serde_json::Value;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }
}

/// A connection, for the one who answers.
pub struct Connection<'a> {
    reader: BufReader<&'a TcpStream>,
    stream: &'a TcpStream,
    is_over: &'a AtomicBool,
}

impl Connection<'_> {
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// `None` at the end of the connection.
    pub fn read_request(&mut self) -> std::io::Result<Option<Request>> {
        let mut head = String::new();
        loop {
            match self.reader.read_line(&mut head) {
                Ok(0) => return Ok(None),
                Ok(_) if head.ends_with("\r\n\r\n") => break,
                Ok(_) => {}
                Err(error) if is_pause(&error) && !self.is_over() => {}
                Err(error) if is_pause(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let mut lines = head.lines();
        let line = lines.next().unwrap_or_default().to_owned();
        let header = |line: &str| {
            line.split_once(": ")
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        let mut request = Request {
            line,
            headers: lines.filter_map(header).collect(),
            body: Vec::new(),
        };
        let length = request.header("content-length").and_then(|length| length.parse().ok());
        request.body = vec![0; length.unwrap_or(0)];
        self.reader.read_exact(&mut request.body)?;
        Ok(Some(request))
    }

    /// An answer with its length.
    pub fn send(&mut self, status: u16, kind: &str, more: &str, body: &[u8]) -> std::io::Result<()> {
        let mut out = self.stream;
        let length = body.len();
        write!(
            out,
            "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{more}\r\n"
        )?;
        out.write_all(body)
    }

    /// The head of an answer in chunks.
    pub fn begin_chunks(&mut self, kind: &str) -> std::io::Result<()> {
        let mut out = self.stream;
        write!(
            out,
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
    }

    /// Chunks of at most so many bytes.
    pub fn chunks(&mut self, bytes: &[u8], size: usize) -> std::io::Result<()> {
        let mut out = self.stream;
        for chunk in bytes.chunks(size) {
            write!(out, "{:x}\r\n", chunk.len())?;
            out.write_all(chunk)?;
            out.write_all(b"\r\n")?;
        }
        out.flush()
    }

    pub fn end_chunks(&mut self) -> std::io::Result<()> {
        self.raw(b"0\r\n\r\n")
    }

    pub fn raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let mut out = self.stream;
        out.write_all(bytes)
    }

    /// Until the client goes, or the server stops.
    pub fn wait_for_the_end(&mut self) {
        let mut byte = [0];
        while !self.is_over() {
            match self.reader.read(&mut byte) {
                Ok(0) => return,
                Err(error) if !is_pause(&error) => return,
                _ => {}
            }
        }
    }
}

fn is_pause(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// A server on a free port. It stops when dropped.
pub struct RawServer {
    pub address: SocketAddr,
    open: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl RawServer {
    /// Serves each connection with this, on a thread of its own.
    pub fn start(serve: impl Fn(&mut Connection<'_>) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (open, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let serve = Arc::new(serve);
        let thread = std::thread::spawn({
            let (open, is_over) = (open.clone(), is_over.clone());
            move || {
                for stream in listener.incoming() {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let Ok(stream) = stream else { continue };
                    let (open, is_over, serve) = (open.clone(), is_over.clone(), serve.clone());
                    std::thread::spawn(move || {
                        open.fetch_add(1, Ordering::Relaxed);
                        // So that it sees when it is to stop.
                        let _ = stream.set_read_timeout(Some(Duration::from_millis(50)));
                        let mut connection = Connection {
                            reader: BufReader::new(&stream),
                            stream: &stream,
                            is_over: &is_over,
                        };
                        // A client that is gone ends it.
                        let _ = serve(&mut connection);
                        let _ = stream.shutdown(Shutdown::Both);
                        open.fetch_sub(1, Ordering::Relaxed);
                    });
                }
            }
        });
        Self {
            address,
            open,
            is_over,
            thread: Some(thread),
        }
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the one that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
