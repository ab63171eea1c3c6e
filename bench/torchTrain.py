"""PyTorch as a peer of training: emu-mini's model and step in eager mode, in a process that stays ready.

Arguments: folder of batches (bench/trainPeer.ts), objective (classify or documents), towers that learn
(comma-separated), precision (f32, autocast: bf16 by torch.autocast, bf16: weights and activations in bf16
with float32 masters), threads. Each line on stdin asks for so many steps; each answer is a line of JSON.

B sequences, T tokens, I pictures, N states or tokens of one, H heads, D head size, C width.
"""
import json
import math
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

folder, objective, towers, precision, threads = sys.argv[1:6]
torch.set_num_threads(int(threads))
torch.manual_seed(1)
with open(f"{folder}/setup.json") as file:
    setup = json.load(file)
vision, former, llama = setup["config"]["vision"], setup["config"]["causalFormer"], setup["config"]["llama"]


class ConvNorm(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs, vision["stem"]["batchNormEps"])

    def forward(self, x):
        return self.norm(self.conv(x))


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = ConvNorm(channels, channels, 1)
        self.second = ConvNorm(channels, channels, 1)

    def forward(self, x):
        return F.relu(x + self.second(F.relu(self.first(x))))


class Stem(nn.Module):
    def __init__(self):
        super().__init__()
        inputs = 3
        stages = []
        for channels, blocks in zip(vision["stem"]["channels"], vision["stem"]["blocks"]):
            stages += [ConvNorm(inputs, channels, 2), nn.ReLU(), *(Residual(channels) for _ in range(blocks))]
            inputs = channels
        self.stages = nn.Sequential(*stages)
        self.proj = nn.Linear(inputs, vision["width"])
        self.norm = nn.LayerNorm(vision["width"], vision["layerNormEps"])

    def forward(self, pixels):
        return self.norm(self.proj(self.stages(pixels).flatten(2).transpose(1, 2)))


def heads(x, count):
    return x.unflatten(-1, (count, -1)).transpose(1, 2)


def merge(x):
    return x.transpose(1, 2).flatten(2)


class VisionBlock(nn.Module):
    def __init__(self):
        super().__init__()
        width = vision["width"]
        hidden = int(width * vision["mlpRatio"])
        self.heads = width // vision["headWidth"]
        self.norm1 = nn.LayerNorm(width, vision["layerNormEps"])
        self.norm2 = nn.LayerNorm(width, vision["layerNormEps"])
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(width))
        self.v_bias = nn.Parameter(torch.zeros(width))
        self.proj = nn.Linear(width, width)
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x):
        bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        q, k, v = (heads(part, self.heads) for part in F.linear(self.norm1(x), self.qkv.weight, bias).chunk(3, -1))
        x = x + self.proj(merge(F.scaled_dot_product_attention(q, k, v)))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Vision(nn.Module):
    def __init__(self):
        super().__init__()
        width = vision["width"]
        patches = (vision["imageSize"] // vision["patchSize"]) ** 2
        self.stem = Stem()
        self.cls = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.pos = nn.Parameter(0.02 * torch.randn(1, patches + 1, width))
        self.blocks = nn.Sequential(*(VisionBlock() for _ in range(vision["layers"])))
        self.norm = nn.LayerNorm(width, vision["layerNormEps"])

    def forward(self, pixels):
        patches = self.stem(pixels)
        x = torch.cat([self.cls.expand(len(patches), -1, -1), patches], 1) + self.pos
        return self.norm(self.blocks(x))


class RmsNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)


class T5Attention(nn.Module):
    def __init__(self, keys):
        super().__init__()
        size, inner = former["hiddenSize"], former["numHeads"] * former["headDim"]
        self.q = nn.Linear(size, inner, bias=False)
        self.k = nn.Linear(keys, inner, bias=False)
        self.v = nn.Linear(keys, inner, bias=False)
        self.o = nn.Linear(inner, size, bias=False)

    def forward(self, x, states, bias=None):
        q, k, v = (heads(part, former["numHeads"]) for part in (self.q(x), self.k(states), self.v(states)))
        return self.o(merge(F.scaled_dot_product_attention(q, k, v, bias, scale=1.0)))


class T5Block(nn.Module):
    def __init__(self):
        super().__init__()
        size, eps = former["hiddenSize"], former["rmsNormEps"]
        self.norms = nn.ModuleList(RmsNorm(size, eps) for _ in range(3))
        self.own = T5Attention(size)
        self.cross = T5Attention(vision["width"])
        self.wi = nn.Linear(size, former["intermediateSize"], bias=False)
        self.wo = nn.Linear(former["intermediateSize"], size, bias=False)

    def forward(self, x, states, bias):
        normed = self.norms[0](x)
        x = x + self.own(normed, normed, bias)
        x = x + self.cross(self.norms[1](x), states)
        return x + self.wo(F.relu(self.wi(self.norms[2](x))))


class Former(nn.Module):
    def __init__(self):
        super().__init__()
        tokens, size = former["numTokens"], former["hiddenSize"]
        self.tokens = nn.Parameter(0.02 * torch.randn(1, tokens, size))
        self.relative = nn.Embedding(former["relativeBuckets"], former["numHeads"])
        self.blocks = nn.ModuleList(T5Block() for _ in range(former["layers"]))
        self.norm = RmsNorm(size, former["rmsNormEps"])
        self.projection = nn.Linear(size, llama["hiddenSize"])
        # With so few tokens every distance into the past has a bucket of its own.
        at = torch.arange(tokens)
        self.register_buffer("distances", (at[:, None] - at[None]).clamp(min=0))
        self.register_buffer("future", torch.full((tokens, tokens), -math.inf).triu(1))

    def forward(self, states):
        bias = (self.relative(self.distances).permute(2, 0, 1) + self.future)[None]
        x = self.tokens.expand(len(states), -1, -1)
        bias = bias.to(torch.get_autocast_dtype("cpu")) if torch.is_autocast_enabled("cpu") else bias.to(x.dtype)
        for block in self.blocks:
            x = block(x, states, bias)
        return self.projection(self.norm(x))


def rotate(x, cos, sin):
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin


class LlamaBlock(nn.Module):
    def __init__(self):
        super().__init__()
        size, inner = llama["hiddenSize"], llama["intermediateSize"]
        self.norm1, self.norm2 = (RmsNorm(size, llama["rmsNormEps"]) for _ in range(2))
        self.q, self.k, self.v, self.o = (nn.Linear(size, size, bias=False) for _ in range(4))
        self.gate = nn.Linear(size, inner, bias=False)
        self.up = nn.Linear(size, inner, bias=False)
        self.down = nn.Linear(inner, size, bias=False)

    def forward(self, x, cos, sin):
        normed = self.norm1(x)
        q, k, v = (heads(project(normed), llama["numHeads"]) for project in (self.q, self.k, self.v))
        q, k = rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype)
        # Rows are padded on the right: causal attention never sees it.
        x = x + self.o(merge(F.scaled_dot_product_attention(q, k, v, is_causal=True)))
        normed = self.norm2(x)
        return x + self.down(F.silu(self.gate(normed)) * self.up(normed))


class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        size = llama["hiddenSize"]
        self.embed = nn.Embedding(llama["vocabSize"], size)
        self.blocks = nn.ModuleList(LlamaBlock() for _ in range(llama["layers"]))
        self.norm = RmsNorm(size, llama["rmsNormEps"])
        self.head = nn.Linear(size, llama["vocabSize"], bias=False)
        self.regress = nn.Linear(size, size, bias=False)
        half = size // llama["numHeads"] // 2
        angles = torch.outer(
            torch.arange(llama["contextLength"]).float(), llama["ropeBase"] ** -(torch.arange(half) / half)
        ).repeat(1, 2)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, x):
        cos, sin = self.cos[: x.shape[1]], self.sin[: x.shape[1]]
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.norm(x)


class Emu(nn.Module):
    def __init__(self):
        super().__init__()
        self.vision, self.causalFormer, self.llama = Vision(), Former(), Llama()
        self.classes = nn.Parameter(0.02 * torch.randn(setup["numClasses"], vision["width"]))

    def classify(self, batch):
        pooled = F.normalize(self.vision(batch["pixels"]).mean(1), dim=-1)
        logits = 20 * F.linear(pooled, F.normalize(self.classes, dim=-1))
        return F.cross_entropy(logits.float(), batch["classes"]), (logits.argmax(1) == batch["classes"]).sum()

    def documents(self, batch):
        with torch.set_grad_enabled("vision" in towers.split(",")):
            states = self.vision(batch["pixels"])
        embeds = self.causalFormer(states)
        x = self.llama.embed(batch["ids"])
        shape = x.shape
        x = x.flatten(0, 1).to(embeds.dtype).index_copy(0, batch["images"], embeds.flatten(0, 1)).view(shape)
        hidden = self.llama(x).flatten(0, 1)
        text = F.cross_entropy(self.llama.head(hidden[batch["from"]]).float(), batch["targets"])
        if not setup["regressionWeight"]:
            return text, text
        predicted = self.llama.regress(hidden[batch["pairsFrom"]])
        wanted = x.detach().flatten(0, 1)[batch["pairsTo"]]
        regression = F.mse_loss(predicted.float(), wanted.float())
        return text + setup["regressionWeight"] * regression, text


def load(i):
    """The tensors of batch i, whatever a step would make of ids and labels alone made ahead."""
    with open(f"{folder}/{i}.json") as file:
        batch = json.load(file)
    size = vision["imageSize"]
    pixels = torch.frombuffer(bytearray(open(f"{folder}/{i}.pixels", "rb").read()), dtype=torch.float32)
    tensors = {name: torch.tensor(values) for name, values in batch.items()}
    tensors["pixels"] = pixels.view(-1, 3, size, size).contiguous(memory_format=torch.channels_last)
    return tensors


model = Emu()
learning = nn.ModuleDict({name: getattr(model, name) for name in towers.split(",")})
own = dict(learning.named_parameters())
if objective == "classify":
    own["classes"] = model.classes
for parameter in model.parameters():
    parameter.requires_grad_(False)
for parameter in own.values():
    parameter.requires_grad_(True)
model.vision.train("vision" in towers.split(","))
model.vision.stem.to(memory_format=torch.channels_last)

# Pure bf16: the optimizer moves float32 copies, which the model's own weights are rounded from.
masters = {}
if precision == "bf16":
    masters = {name: parameter.detach().clone() for name, parameter in own.items()}
    model.to(torch.bfloat16)
tables = ("embed.weight", "pos", "cls", "tokens", "relative.weight")
trained = masters or own
groups = [
    {"params": [p for n, p in trained.items() if p.dim() > 1 and not n.endswith(tables)]},
    {"params": [p for n, p in trained.items() if p.dim() <= 1 or n.endswith(tables)], "weight_decay": 0.0},
]
optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.05, fused=True)
batches = [load(i) for i in range(setup["batches"])]
if precision == "bf16":
    for batch in batches:
        batch["pixels"] = batch["pixels"].to(torch.bfloat16)


def step(batch):
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "autocast"):
        loss, term = model.classify(batch) if objective == "classify" else model.documents(batch)
    loss.backward()
    if masters:
        for name, master in masters.items():
            if own[name].grad is not None:
                master.grad = own[name].grad.float()
                own[name].grad = None
    torch.nn.utils.clip_grad_norm_(trained.values(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    if masters:
        with torch.no_grad():
            torch._foreach_copy_([own[name] for name in masters], list(masters.values()))
    term.item()
    return loss.item()


print(json.dumps(f"torch {torch.__version__}, {torch.get_num_threads()} threads"), flush=True)
now = time.process_time if threads == "1" else time.perf_counter
taken = 0
for line in sys.stdin:
    seconds = []
    for _ in range(int(line)):
        start = now()
        loss = step(batches[taken % len(batches)])
        seconds.append(now() - start)
        taken += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "loss": loss, "peakMemory": peak}), flush=True)
