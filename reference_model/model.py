"""UniAVGen: two diffusion transformers, one for video and one for audio, that listen to each other."""

from typing import Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference_model.attention import AttentionBackend, sdpa
from reference_model.conditions import Conditions, Exchange, Memory, Prediction, Texts, Wanted
from reference_model.face_modulation import weigh
from reference_model.interaction import AudioToVideo, Flow, Said, VideoToAudio
from reference_model.layers import Block, Head, TimeEmbedding, embed_times, mlp, unpatchify
from reference_model.layout import Layout, Size, layout
from reference_model.params import BranchParams, ModelParams
from reference_model.rope import line_rotation
from reference_model.speech_text_embedding import SpeechTextEmbedding
from reference_model.streams import Stream, check_inputs

M = TypeVar("M", bound=nn.Module)


class UniAVGen(nn.Module):
    """The model; parameter names are those of the official checkpoint (spec topic: state dict).

    `attention` is the backend of every attention. Letters: B batch, F latent frames, h and w patch rows and columns,
    N = h*w, S target audio tokens, R reference audio tokens, C width.
    """

    def __init__(self, params: ModelParams, attention: AttentionBackend = sdpa) -> None:
        super().__init__()
        self.params = params
        video, audio, eps, patch = params.video, params.audio, params.eps, params.patch
        self.patch_embedding = nn.Conv3d(params.latent_channels, video.width, patch, stride=patch)
        self.audio_embedding = mlp(params.mel_bands, audio.width, nn.GELU("tanh"))
        self.text_embedding_video = mlp(params.caption_width, video.width, nn.GELU("tanh"))
        self.text_embedding = SpeechTextEmbedding(params.speech_text)
        self.text_proj = nn.Linear(params.speech_text.width, audio.width, bias=False)
        self.time_embedding = mlp(params.frequency, video.width, nn.SiLU())
        self.time_projection = nn.Sequential(nn.SiLU(), nn.Linear(video.width, 6 * video.width))
        self.time_embedding_audio = mlp(params.frequency, audio.width, nn.SiLU())
        self.time_projection_audio = nn.Sequential(nn.SiLU(), nn.Linear(audio.width, 6 * audio.width))
        # Kept for the checkpoint only: no output depends on it.
        self.audio_padding = nn.Parameter(torch.zeros(audio.width))

        def branch(width: BranchParams) -> nn.ModuleList:
            return nn.ModuleList(
                Block(width.width, width.ffn, width.heads, eps, attention) for _ in range(params.layers)
            )

        self.blocks, self.audio_blocks = branch(video), branch(audio)
        self.a2v_blocks = nn.ModuleList(
            AudioToVideo(video.width, audio.width, video.heads, eps, params.interaction.aligner, attention)
            for _ in params.interaction.layers
        )
        self.v2a_blocks = nn.ModuleList(
            VideoToAudio(audio.width, audio.heads, eps, attention, context_width=video.width)
            for _ in params.interaction.layers
        )
        self.head = Head(video.width, params.latent_channels * patch[1] * patch[2], eps)
        self.head_audio = Head(audio.width, params.mel_bands, eps)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of weights and activations."""
        return self.patch_embedding.weight.dtype

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.patch_embedding.weight.device

    def forward(
        self,
        video: Tensor,
        audio: Tensor,
        time: Tensor,
        conditions: Conditions,
        *,
        exchange: Exchange = Exchange.BOTH,
        skip_layer: int | None = None,
        wanted: Wanted = Wanted.BOTH,
        face_masks: Literal["needed", "all"] = "needed",
        texts: Texts | None = None,
        memory: Memory | None = None,
    ) -> Prediction:
        """Velocities at noisy video `[B, 48, F, H, W]` and normalised mel `[B, S, 80]`, time `[B]` (0..1000).

        `exchange` and `skip_layer` make the passes of guidance; `texts` and `memory` are what is kept over the
        steps. `face_masks` "all" also computes the masks that no active interaction needs. ValueError if shapes
        disagree.
        """
        check_inputs(self.params, video, audio, time, conditions)
        texts = texts or self.encode_texts(conditions)
        plan, size = self._layout(video, audio, conditions)
        flow = self._flow(plan, size, conditions, exchange, memory or Memory(), face_masks == "all")
        # A branch that nobody asks for still runs if it speaks to one that is asked for.
        run_video = wanted.video or (flow.v2a is not None and flow.memory.video is None)
        run_audio = wanted.audio or (flow.a2v is not None and flow.memory.audio is None)
        v = self._open_video(video, time, conditions, plan) if run_video else None
        a = self._open_audio(audio, time, conditions, plan) if run_audio else None
        masks: list[Tensor] = []
        for layer in range(self.params.layers):
            if layer == skip_layer:
                continue
            v, a = self._run_blocks(layer, v, a, texts)
            if layer in self.params.interaction.layers:
                index = self.params.interaction.layers.index(layer)
                said = self._speak(index, v, a, flow)
                v, a = self._listen(index, v, a, said, flow)
                masks += [] if said.face is None else [said.face]
        return self._predict(v if wanted.video else None, a if wanted.audio else None, size, masks)

    def encode_texts(self, conditions: Conditions) -> Texts:
        """Keys and values of caption and speech for every layer; once per prompt.

        ValueError if a caption is longer than the params allow.
        """
        caption, speech, lengths = conditions.caption, conditions.speech, conditions.speech_lengths
        missing = self.params.caption_length - caption.shape[1]
        if missing < 0:
            raise ValueError(f"caption of {caption.shape[1]} rows; at most {self.params.caption_length}")
        # Quirk kept: the zero rows that pad a caption are attended like words.
        words = self.text_embedding_video(functional.pad(caption, (0, 0, 0, missing)).to(self.dtype))
        symbols = self.text_proj(self.text_embedding(speech, lengths))
        place = torch.arange(speech.shape[1], device=speech.device)
        mask = None
        if lengths is not None and int(lengths.min()) < len(place):
            mask = place < lengths[:, None]
        rotation = line_rotation(place, self.params.audio.head_dim)
        layers = range(self.params.layers)
        return Texts(
            tuple(self._video_block(i).cross_attn.context(words, None) for i in layers),
            tuple(self._audio_block(i).cross_attn.context(symbols, rotation, mask) for i in layers),
        )

    def remember(
        self,
        branch: Literal["video", "audio"],
        video: Tensor,
        audio: Tensor,
        conditions: Conditions,
        texts: Texts,
        skip_layer: int | None = None,
    ) -> Memory:
        """Run one branch alone and keep what it tells the other, for dubbing and audio-driven video.

        Valid while nothing flows to that branch; takes the inputs of `forward`. ValueError if part of the branch is
        not given: its noise changes over the steps.
        """
        plan, size = self._layout(video, audio, conditions)
        frames_given = min(conditions.given_frames, conditions.clean)
        given, of = (
            (frames_given, size.frames) if branch == "video" else (conditions.given_tokens, size.tokens)
        )
        if given != of:
            raise ValueError(f"only {given} of {of} of the {branch} are given: it changes over the steps")
        time = torch.zeros(len(video), device=video.device)
        v = self._open_video(video, time, conditions, plan) if branch == "video" else None
        a = self._open_audio(audio, time, conditions, plan) if branch == "audio" else None
        # What is kept must not depend on the other branch, so only this one's direction flows.
        flow = Flow(
            plan.a2v if a is not None else None,
            plan.v2a if v is not None else None,
            v is not None,
            size.frames,
            Memory(),
        )
        said: list[Said | None] = []
        for layer in range(self.params.layers):
            if layer != skip_layer:
                v, a = self._run_blocks(layer, v, a, texts)
            if layer in self.params.interaction.layers:
                index = self.params.interaction.layers.index(layer)
                said.append(None if layer == skip_layer else self._speak(index, v, a, flow))
        if branch == "video":
            return Memory(video=tuple(None if entry is None else entry.seen for entry in said))
        return Memory(audio=tuple(None if entry is None else entry.heard for entry in said))

    def compile_blocks(self, backend: str = "inductor") -> None:
        """Compile the transformer blocks in place; the first pass of a size then takes longer."""
        for block in (*self.blocks, *self.audio_blocks):
            block.compile(dynamic=False, backend=backend)

    def _layout(self, video: Tensor, audio: Tensor, conditions: Conditions) -> tuple[Layout, Size]:
        size = Size(video.shape[2], video.shape[3], video.shape[4], audio.shape[1])
        return layout(self.params, size, conditions.reference_tokens, video.device), size

    def _flow(
        self, plan: Layout, size: Size, given: Conditions, exchange: Exchange, memory: Memory, all_masks: bool
    ) -> Flow:
        a2v = plan.a2v if exchange.a2v and given.clean < size.frames else None
        v2a = plan.v2a if exchange.v2a and given.given_tokens < size.tokens else None
        faces = all_masks or a2v is not None or (v2a is not None and memory.video is None)
        return Flow(a2v, v2a, faces, size.frames, memory)

    def _open_video(self, video: Tensor, time: Tensor, given: Conditions, plan: Layout) -> Stream:
        noisy = video[:, :, given.given_frames :]
        parts = [given.reference_image, given.given_video, noisy]
        latent = torch.cat([part.to(self.dtype) for part in parts if part is not None], dim=2)
        patches = self.patch_embedding(latent)
        tokens = patches.flatten(2).transpose(1, 2)
        frame_tokens = patches.shape[3] * patches.shape[4]
        frame = torch.arange(patches.shape[2], device=video.device)
        index = (frame > given.clean).long()
        rows, blocks = embed_times(
            _two_times(time), self.params.frequency, self.time_embedding, self.time_projection
        )
        embedded = TimeEmbedding(rows, blocks, index)
        made = (1 + given.clean) * frame_tokens
        return Stream(tokens, embedded, plan.video, None, frame_tokens, made, embedded.part(index[1:]))

    def _open_audio(self, audio: Tensor, time: Tensor, given: Conditions, plan: Layout) -> Stream:
        noisy = audio[:, given.given_tokens :]
        parts = [given.reference_audio, given.given_audio, noisy]
        mel = torch.cat([part.to(self.dtype) for part in parts if part is not None], dim=1)
        tokens = self.audio_embedding(mel)
        reference, made = given.reference_tokens, given.reference_tokens + given.given_tokens
        if self.params.audio_time == "branch":
            # Quirks kept: one time for all tokens, 0 once any is given; the reference stands at the targets' time.
            index = target = torch.full((1,), int(given.given_tokens == 0), device=audio.device)
        else:
            index = (torch.arange(tokens.shape[1], device=audio.device) >= made).long()
            target = index[reference:]
        rows, blocks = embed_times(
            _two_times(time), self.params.frequency, self.time_embedding_audio, self.time_projection_audio
        )
        embedded = TimeEmbedding(rows, blocks, index)
        return Stream(tokens, embedded, plan.audio, plan.audio, reference, made, embedded.part(target))

    def _run_blocks(
        self, layer: int, v: Stream | None, a: Stream | None, texts: Texts
    ) -> tuple[Stream | None, Stream | None]:
        a = None if a is None else a.through(self._audio_block(layer), texts.speech[layer])
        v = None if v is None else v.through(self._video_block(layer), texts.captions[layer])
        return v, a

    def _speak(self, index: int, v: Stream | None, a: Stream | None, flow: Flow) -> Said:
        to_video, to_audio = self._interaction(index)
        heard = seen = face = None
        if flow.faces and v is not None:
            face = to_video.mask_head(v.targets, v.target_time)
        weight = weigh(face, self.params.face_modulation, flow.frames)
        if flow.a2v is not None:
            kept_audio = flow.memory.audio
            heard = to_video.hear(_running(a).targets, flow.a2v) if kept_audio is None else kept_audio[index]
        if flow.v2a is not None:
            kept_video = flow.memory.video
            seen = (
                to_audio.see(_running(v).targets, weight, flow.v2a, flow.frames)
                if kept_video is None
                else kept_video[index]
            )
        return Said(heard, seen, face, weight)

    def _listen(
        self, index: int, v: Stream | None, a: Stream | None, said: Said, flow: Flow
    ) -> tuple[Stream | None, Stream | None]:
        to_video, to_audio = self._interaction(index)
        if v is not None and said.heard is not None and flow.a2v is not None:
            v = v.updated(to_video.update(v.targets, said.heard, said.weight, flow.a2v))
        if a is not None and said.seen is not None and flow.v2a is not None:
            a = a.updated(to_audio.update(a.targets, said.seen, flow.v2a))
        return v, a

    def _predict(self, v: Stream | None, a: Stream | None, size: Size, faces: list[Tensor]) -> Prediction:
        _, patch_h, patch_w = self.params.patch
        rows, columns = size.height // patch_h, size.width // patch_w
        video = reference = audio = None
        if v is not None:
            frames = unpatchify(self.head(v.tokens, v.time), rows, columns, (patch_h, patch_w))
            reference, video = frames[:, :, :1], frames[:, :, 1:]
        if a is not None:
            audio = self.head_audio(a.targets, a.target_time)
        masks = tuple(torch.unflatten(face.squeeze(-1), 1, (size.frames, rows, columns)) for face in faces)
        return Prediction(video, reference, audio, masks)

    def _video_block(self, layer: int) -> Block:
        return _as(Block, self.blocks[layer])

    def _audio_block(self, layer: int) -> Block:
        return _as(Block, self.audio_blocks[layer])

    def _interaction(self, index: int) -> tuple[AudioToVideo, VideoToAudio]:
        return _as(AudioToVideo, self.a2v_blocks[index]), _as(VideoToAudio, self.v2a_blocks[index])


def _two_times(time: Tensor) -> Tensor:
    return torch.stack((torch.zeros_like(time), time), dim=1)


def _running(stream: Stream | None) -> Stream:
    if stream is None:
        raise RuntimeError("a branch was asked to speak that does not run")
    return stream


def _as(kind: type[M], module: nn.Module) -> M:
    assert isinstance(module, kind)
    return module
