//! A small network that judges a sound as a whole: convolutions over time, what they find summed up and at its most, and
//! from those a score for each of the things it knows.

/// A convolution over time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Values of each frame that comes out.
    pub channels: usize,
    /// Frames that each is made of; an odd number, for it stands in their middle.
    pub taps: usize,
    /// One frame comes out for so many.
    pub step: usize,
    /// From one of those frames to the next.
    pub distance: usize,
}

/// Why bytes are no network of this shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NetworkError {
    /// Too few.
    #[error("the weights end too early")]
    Short,
    /// Too many.
    #[error("there are {0} bytes after the last weight")]
    Long(usize),
}

/// The sum over time is divided by this, so that it stays near the values summed up.
const SPAN: f32 = 32.0;

/// The network.
#[derive(Clone, Debug)]
pub struct Network {
    inputs: usize,
    layers: Vec<(Shape, Rows)>,
    output: Rows,
}

impl Network {
    /// Reads the weights of the layers, one after the other, and of the scores.
    ///
    /// # Errors
    /// If there are more bytes or fewer.
    pub fn read(mut bytes: &[u8], inputs: usize, shapes: &[Shape], outputs: usize) -> Result<Self, NetworkError> {
        let mut channels = inputs;
        let mut layers = Vec::with_capacity(shapes.len());
        for shape in shapes {
            layers.push((*shape, Rows::read(&mut bytes, shape.channels, shape.taps * channels)?));
            channels = shape.channels;
        }
        let output = Rows::read(&mut bytes, outputs, 2 * channels)?;
        match bytes.len() {
            0 => Ok(Self { inputs, layers, output }),
            rest => Err(NetworkError::Long(rest)),
        }
    }

    /// The scores of a sound, whose values stand frame by frame.
    pub fn scores(&self, values: &[f32]) -> Vec<f32> {
        let (mut values, mut channels) = (values.to_vec(), self.inputs);
        for (shape, rows) in &self.layers {
            values = convolved(&values, channels, *shape, rows);
            channels = shape.channels;
        }
        let mut found = vec![0.0f32; 2 * channels];
        let (sum, most) = found.split_at_mut(channels);
        for frame in values.chunks_exact(channels) {
            for ((sum, most), value) in sum.iter_mut().zip(most.iter_mut()).zip(frame) {
                *sum += value / SPAN;
                *most = most.max(*value);
            }
        }
        self.output.applied(&found).collect()
    }
}

/// Rows of weights, each with what is added to its product.
#[derive(Clone, Debug)]
struct Rows {
    width: usize,
    weights: Vec<f32>,
    biases: Vec<f32>,
}

impl Rows {
    /// Each row is stored as its scale, its bias, and its weights in bytes.
    fn read(from: &mut &[u8], count: usize, width: usize) -> Result<Self, NetworkError> {
        let mut rows = Self {
            width,
            weights: Vec::with_capacity(count * width),
            biases: Vec::with_capacity(count),
        };
        for _ in 0..count {
            let scale = number(from)?;
            rows.biases.push(number(from)?);
            let (bytes, rest) = from.split_at_checked(width).ok_or(NetworkError::Short)?;
            let weights = bytes.iter().map(|&byte| f32::from(byte.cast_signed()) * scale);
            rows.weights.extend(weights);
            *from = rest;
        }
        Ok(rows)
    }

    fn applied<'a>(&'a self, input: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let rows = self.weights.chunks_exact(self.width).zip(&self.biases);
        rows.map(|(row, bias)| bias + product(row, input))
    }
}

fn number(from: &mut &[u8]) -> Result<f32, NetworkError> {
    let (bytes, rest) = from.split_first_chunk().ok_or(NetworkError::Short)?;
    *from = rest;
    Ok(f32::from_le_bytes(*bytes))
}

/// A convolution with zeros around it, and the rectifier.
fn convolved(values: &[f32], channels: usize, shape: Shape, rows: &Rows) -> Vec<f32> {
    let frames = values.len() / channels;
    let around = shape.taps / 2 * shape.distance;
    let mut window = vec![0.0; shape.taps * channels];
    let mut result = Vec::with_capacity(frames.div_ceil(shape.step) * shape.channels);
    for frame in (0..frames).step_by(shape.step) {
        for (tap, part) in window.chunks_exact_mut(channels).enumerate() {
            let source = (frame + tap * shape.distance)
                .checked_sub(around)
                .filter(|source| *source < frames);
            match source {
                Some(source) => part.copy_from_slice(&values[source * channels..(source + 1) * channels]),
                None => part.fill(0.0),
            }
        }
        result.extend(rows.applied(&window).map(|value| value.max(0.0)));
    }
    result
}

/// Eight sums side by side, which the processor adds at once.
fn product(left: &[f32], right: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (left, right) = (left.chunks_exact(8), right.chunks_exact(8));
    let rest: f32 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left.zip(right) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    rest + sums.iter().sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row as it is stored.
    fn row(scale: f32, bias: f32, weights: &[i8]) -> Vec<u8> {
        let weights = weights.iter().map(|weight| weight.cast_unsigned());
        let numbers = [scale.to_le_bytes(), bias.to_le_bytes()].concat();
        numbers.into_iter().chain(weights).collect()
    }

    fn shape(step: usize, distance: usize) -> Shape {
        Shape {
            channels: 1,
            taps: 3,
            step,
            distance,
        }
    }

    #[test]
    fn a_convolution_sees_zeros_beyond_both_ends() {
        let rows = Rows {
            width: 3,
            weights: vec![1.0, 10.0, 100.0],
            biases: vec![-1.0],
        };
        let convolved = |step, distance| convolved(&[1.0, 2.0, 3.0], 1, shape(step, distance), &rows);
        assert_eq!(convolved(1, 1), [209.0, 320.0, 31.0]);
        assert_eq!(convolved(2, 1), [209.0, 31.0]);
        assert_eq!(convolved(1, 2), [309.0, 19.0, 30.0]);
    }

    #[test]
    fn scores_weigh_the_sum_and_the_most_of_what_the_layers_find() {
        let file = [row(0.5, 0.0, &[0, 2, 0]), row(1.0, 7.0, &[32, 100])].concat();
        let network = Network::read(&file, 1, &[shape(1, 1)], 1).unwrap();
        // The layer lets pass what is above zero: 1 and 3 in sum, 3 at most.
        assert_eq!(network.scores(&[1.0, -2.0, 3.0]), [7.0 + 4.0 + 300.0]);
        assert_eq!(network.scores(&[]), [7.0]);
    }

    #[test]
    fn bytes_that_are_too_few_or_too_many_are_refused() {
        let file = [row(0.5, 0.0, &[0, 2, 0]), row(1.0, 7.0, &[32, 100])].concat();
        let read = |file: &[u8]| Network::read(file, 1, &[shape(1, 1)], 1).map(drop);
        for length in 0..file.len() {
            assert_eq!(read(&file[..length]), Err(NetworkError::Short), "{length}");
        }
        assert_eq!(read(&[file, vec![0]].concat()), Err(NetworkError::Long(1)));
    }
}
