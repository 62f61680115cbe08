//! The child process: a pool of decoders behind standard input and output. It knows nothing of calls.

use super::protocol::{Request, Response, read_frame, write_frame};
use crate::speech::pocketsphinx::{Engine, Models};
use samvad_actors::ports::Heard;
use std::io::{self, BufReader, Stdin, Stdout};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Serves recognition requests from standard input until it closes, as it does when the parent ends, however it ends.
/// Nothing said is kept or logged. The exit status is 0 if the parent closed the stream between two requests.
pub fn run_recognizer_child() -> ExitCode {
    match serve(BufReader::new(io::stdin())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve(mut input: BufReader<Stdin>) -> io::Result<()> {
    let Some(setup) = read_frame(&mut input)? else {
        return Ok(());
    };
    let Request::Setup { threads, models } = Request::decode(&setup).map_err(io::Error::other)? else {
        return Err(io::Error::other("the first request is not the setup"));
    };
    let (sender, receiver) = channel();
    let queue = Arc::new(Mutex::new(receiver));
    let output = Arc::new(Mutex::new(io::stdout()));
    let models = Models::open(Path::new(&models)).map(Arc::new);
    for _ in 0..threads.max(1) {
        let (queue, output) = (Arc::clone(&queue), Arc::clone(&output));
        let models = models.clone();
        std::thread::Builder::new()
            .name("recogniser".to_owned())
            .spawn(move || {
                let engine = models.and_then(|models| Engine::new(models).map_err(|error| error.to_string()));
                // A thread that fails takes the process with it: the parent starts another and asks again.
                let work = AssertUnwindSafe(|| work(engine, &queue, &output));
                if !matches!(catch_unwind(work), Ok(Ok(()))) {
                    std::process::exit(1);
                }
            })?;
    }
    read_requests(&mut input, &sender)
}

/// Returning ends the process at once, whatever is being decoded: nobody waits for it any more.
fn read_requests(input: &mut BufReader<Stdin>, queue: &Sender<Request>) -> io::Result<()> {
    while let Some(body) = read_frame(input)? {
        let request = Request::decode(&body).map_err(io::Error::other)?;
        queue.send(request).map_err(io::Error::other)?;
    }
    Ok(())
}

fn work(
    mut engine: Result<Engine, String>,
    queue: &Mutex<Receiver<Request>>,
    output: &Mutex<Stdout>,
) -> io::Result<()> {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(request) = next else {
            return Ok(());
        };
        let Some(response) = answer(&mut engine, request) else {
            continue;
        };
        let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
        write_frame(&mut *output, &response.encode())?;
    }
}

fn answer(engine: &mut Result<Engine, String>, request: Request) -> Option<Response> {
    let (sequence, result) = match request {
        Request::Setup { .. } => return None,
        Request::Prepare {
            sequence,
            phrases,
            free_text,
        } => {
            let result = match engine {
                Ok(engine) => engine.prepare(&phrases, free_text).map_err(|error| error.to_string()),
                Err(reason) => Err(reason.clone()),
            };
            (sequence, result.map(|()| Response::Prepared { sequence }))
        }
        Request::Recognize {
            sequence,
            phrases,
            free_text,
            samples,
        } => {
            let result = match engine {
                Ok(engine) => engine
                    .recognize(&phrases, free_text, &samples)
                    .map_err(|error| error.to_string()),
                Err(reason) => Err(reason.clone()),
            };
            let heard = |heard: Heard| Response::Heard {
                sequence,
                text: heard.text,
                confidence: heard.confidence,
                uncertain: heard.uncertain,
            };
            (sequence, result.map(heard))
        }
    };
    Some(result.unwrap_or_else(|reason| Response::Fault { sequence, reason }))
}
