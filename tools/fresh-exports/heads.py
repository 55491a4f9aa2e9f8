"""Heads that transformers does not have, and torch's own encoder."""
import torch

OUTPUTS = ["logits", "text_embeds", "image_embeds", "last_hidden_state", "predicted_depth", "prediction_outputs", "prediction_logits"]


class Named(torch.nn.Module):
    """A model of transformers whose inputs are positional, and that gives one output."""

    def __init__(self, model, names, outputs):
        super().__init__()
        self.model, self.names, self.outputs = model, names, outputs

    def forward(self, *values):
        answer = self.model(**dict(zip(self.names, values)))
        if isinstance(answer, torch.Tensor):
            return answer
        return next((answer[name] for name in self.outputs if answer.get(name) is not None), answer[0])


class Headed(torch.nn.Module):
    """`kind`: splade (the maximum over tokens), class, last (the last real token), yes or no (a reranker's two logits), sparse (BGE-M3), late (ColBERT), words (GLiNER), mean."""

    def __init__(self, kind, model):
        super().__init__()
        self.kind, self.model = kind, model
        width = getattr(getattr(model, "config", None), "hidden_size", 32)
        self.weight, self.project = torch.nn.Linear(width, 1), torch.nn.Linear(width, 16)

    def forward(self, input_ids, attention_mask, *more):
        answer = self.model(input_ids=input_ids, attention_mask=attention_mask)
        real = attention_mask.unsqueeze(-1).float()
        if self.kind == "splade":
            return torch.max(torch.log1p(torch.relu(answer.logits)) * real, dim=1).values
        if self.kind == "yes or no":
            return answer.logits[:, -1][:, [5, 7]].softmax(-1)
        x = answer.last_hidden_state
        if self.kind == "mean":
            return (x * real).sum(1) / real.sum(1)
        if self.kind == "class":
            return self.project(x[:, 0])
        if self.kind == "last":
            places = torch.arange(x.shape[1], device=x.device) * attention_mask
            return x[torch.arange(x.shape[0], device=x.device), places.argmax(1)]
        if self.kind == "late":
            return torch.nn.functional.normalize(self.project(x), dim=-1)
        if self.kind == "words":
            return self.project(torch.gather(x, 1, more[0].unsqueeze(-1).expand(-1, -1, x.shape[-1])))
        weights = torch.relu(self.weight(x)).squeeze(-1) * attention_mask
        sparse = torch.zeros(x.shape[0], 99).scatter_reduce(1, input_ids, weights, "amax")
        return torch.nn.functional.normalize(x[:, 0], dim=-1), sparse


class TorchEncoder(torch.nn.Module):
    """torch.nn.TransformerEncoder, batch or sequence first."""

    def __init__(self, batch_first):
        super().__init__()
        self.words, self.places = torch.nn.Embedding(99, 32), torch.nn.Parameter(torch.randn(1, 64, 32))
        layer = torch.nn.TransformerEncoderLayer(32, 4, 48, batch_first=batch_first, norm_first=True, dropout=0.0)
        self.layers = torch.nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.head, self.batch_first = torch.nn.Linear(32, 3), batch_first

    def forward(self, input_ids, attention_mask):
        x = self.words(input_ids) + self.places[:, : input_ids.shape[1]]
        turn = (lambda x: x) if self.batch_first else (lambda x: x.transpose(0, 1))
        return self.head(turn(self.layers(turn(x), src_key_padding_mask=attention_mask == 0))[:, 0])
