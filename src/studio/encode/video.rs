//! H.264 by `openh264`: frames in, access units out.

use openh264::OpenH264API;
use openh264::encoder::{
    Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, RateControlMode, UsageType,
    VuiConfig,
};
use openh264::formats::YUVSource;

use crate::studio::{Error, FRAMES_PER_SECOND};

/// One frame in YUV 4:2:0, BT.601 limited range, planes without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::studio) struct Frame {
    /// Width in pixels, even.
    pub(in crate::studio) width: usize,
    /// Height in pixels, even.
    pub(in crate::studio) height: usize,
    /// Brightness, one byte a pixel.
    pub(in crate::studio) luma: Vec<u8>,
    /// Blue difference, one byte for four pixels.
    pub(in crate::studio) blue: Vec<u8>,
    /// Red difference, one byte for four pixels.
    pub(in crate::studio) red: Vec<u8>,
}

impl YUVSource for Frame {
    fn dimensions(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    fn strides(&self) -> (usize, usize, usize) {
        (self.width, self.width / 2, self.width / 2)
    }

    fn y(&self) -> &[u8] {
        &self.luma
    }

    fn u(&self) -> &[u8] {
        &self.blue
    }

    fn v(&self) -> &[u8] {
        &self.red
    }
}

/// One coded picture.
#[derive(Clone, Debug)]
pub(in crate::studio) struct AccessUnit {
    /// NAL units with start codes (Annex B).
    pub(in crate::studio) bytes: Vec<u8>,
    /// Whether decoding may start here.
    pub(in crate::studio) is_key: bool,
}

/// Codes frames one after the other.
pub(in crate::studio) struct VideoEncoder {
    inner: Encoder,
}

impl VideoEncoder {
    /// Makes an encoder; the first frame fixes the size.
    pub(in crate::studio) fn new() -> Result<Self, Error> {
        #[expect(clippy::cast_precision_loss, reason = "25 is exact in a float")]
        let config = EncoderConfig::new()
            .max_frame_rate(FrameRate::from_hz(FRAMES_PER_SECOND as f32))
            .usage_type(UsageType::CameraVideoRealTime)
            // With rate control the library drops frames and warns on standard error, over a running screen; a fixed
            // quantiser does neither and codes a portrait in a fraction of the bytes.
            .rate_control_mode(RateControlMode::Off)
            .skip_frames(false)
            .debug(false)
            // One thread: the bytes must not depend on the machine, and drawing takes the other cores.
            .num_threads(1)
            .scene_change_detect(false)
            .intra_frame_period(IntraFramePeriod::from_num_frames(2 * FRAMES_PER_SECOND))
            .vui(VuiConfig::bt601());
        let inner = Encoder::with_api_config(OpenH264API::from_source(), config).map_err(failed)?;
        Ok(Self { inner })
    }

    /// Codes the next frame.
    pub(in crate::studio) fn encode(&mut self, frame: &Frame) -> Result<AccessUnit, Error> {
        let stream = self.inner.encode(frame).map_err(failed)?;
        let is_key = match stream.frame_type() {
            FrameType::IDR | FrameType::I => true,
            FrameType::P | FrameType::IPMixed => false,
            FrameType::Skip | FrameType::Invalid => {
                return Err(Error::Encode(String::from("a frame was skipped")));
            }
        };
        Ok(AccessUnit {
            bytes: stream.to_vec(),
            is_key,
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature of map_err")]
fn failed(error: openh264::Error) -> Error {
    Error::Encode(error.to_string())
}
