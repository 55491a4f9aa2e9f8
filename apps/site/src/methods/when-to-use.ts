/** When to take a method, by what was measured; links as the site has them. Every method has a line, or its page is not built. */
export const whenToUse: Readonly<Record<string, string>> = {
  'received-attention':
    'The first to try where the head reads no class token, and a good control everywhere. In rerankers it loses many points: take `cls-attention` there.',
  'value-aware':
    'Classifiers of texts without training: on SST-2 it was the best of those. It loses most where few tokens are kept, and `sdtp` does better at equal speed.',
  'cls-attention':
    'Models whose head reads a class token: classifiers of texts, handwritten digits, and [rerankers](/rerankers) with the query protected. Cheap: one row of the attention is enough. On images of clothing it is far behind evenly spread patches.',
  'last-query':
    'Prompts of [decoders](/decoders#pruning-prompts), with the question at the end of the prompt, and encoders whose head reads the last token.',
  'snap-kv':
    'Prompts of [decoders](/decoders#pruning-prompts) whose question takes more than a token: it asks the last 64 tokens where `last-query` asks one.',
  balanced:
    'Classifiers of long texts without training: chosen on calibration data for IMDB reviews. Not for rerankers.',
  'value-weighted': 'Class-token models, as an alternative to `cls-attention` that also looks at the sizes of values.',
  ats: 'Class-token models in which an example should decide how many tokens it needs. On WebGPU it [copies to the host](/findings).',
  'cumulative-attention': 'Where attention of a single layer says too little. Compare it with `received-attention`.',
  rollout: 'Class-token models, where what early layers mixed matters. Compare it with `cls-attention`.',
  'key-diff':
    'Caches of [decoders](/decoders), by `tp press`: a little ahead of its kind where a quarter of the tokens is pruned.',
  'lag-kv': 'Caches of [decoders](/decoders), by `tp press`.',
  'key-norm': 'Caches of [decoders](/decoders), by `tp press`; needs keys alone, so it is cheap.',
  ltp: 'After training, for texts of the lengths that it was trained on: its thresholds scale with 1/n, and on much longer texts almost everything is pruned.',
  adapler:
    'After training, where much is to be pruned: at 0.35 of the FLOPs it lost less than the fine-tuned encoder alone.',
  sdtp: 'The one to begin with where you can train: it learns in minutes, from the dense model’s answers without labels, and works with any schedule. [Classifiers](/eight-bits#prune-quantize-pack), [rerankers](/rerankers), [documents](/embeddings#learned-without-labels).',
  dynamicvit: 'Images, after training. On images of clothing no trained method beats evenly spread tokens.',
  transkimmer: 'Texts, after training, where each layer should decide for itself which tokens it computes.',
  'length-adaptive':
    'After training, where one encoder has to serve several speeds: at half of the FLOPs it lost least on SST-2, with a schedule found by search.',
  'power-bert': 'After training, for a fixed number of tokens at each layer, which is what runtimes like best.',
  tome: 'Images where every patch counts a little; it preserves accuracy best, and pays where layers are wide or the cut is deep. Slower than dense in small models.',
  evit: 'Images with a class token, where the dropped patches together still say something.',
  'div-prune': '[Image tokens of vision-language models](/images), without a text. Accuracy is not measured.',
  dpp: '[Image tokens of vision-language models](/images), without a text. Accuracy is not measured.',
  'id-pruner': '[Image tokens of vision-language models](/images), without a text. Accuracy is not measured.',
  'vis-pruner': '[Image tokens of vision-language models](/images), without a text. Accuracy is not measured.',
  pool: 'As the one to beat, for images and the [image tokens of vision-language models](/images).',
  pitome: 'Images with large even areas. Compare it with `tome`.',
  ppt: 'Images that differ in how much of them matters.',
  diffrate: 'Images, with rates that are learned. On images of clothing it does not beat evenly spread tokens.',
  ltmp: 'Images, with thresholds that are learned. On WebGPU it [copies to the host](/findings).',
  tps: 'Images with a class token, at high rates.',
  'zero-tprune': 'Images, without training. Its PageRank takes time that small models do not have.',
  tofu: 'Images: a middle way between `tome` and dropping.',
  'evo-vit': 'Images whose patches matter again in later layers.',
  lens: '[Documents of an embedder](/embeddings#learned-without-labels) that pools a mean, after learning.',
  'a-tome': 'Speech in which neighboring frames are alike; its threshold [is suggested by `tp optimize`](/speech).',
  'drop-padding':
    'Exports of a fixed length, such as 512 tokens, that read shorter texts: [exact](/folders#exports-of-a-fixed-length).',
  'thin-padding':
    'Whisper, and any encoder of recordings whose window is longer than they are: [nothing is trained or calibrated](/speech).',
  'tr-bert': 'After training by reinforcement, on texts: it carries over to longer texts better than thresholds do.',
  'rl-schedule': 'Where the number of tokens should be learned and the ranking should not.',
  none: 'First, and always: it is exact, and what every other method is compared with.',
  random: 'As the one to beat. On mails, which repeat themselves, nothing beats it by much.',
  stride:
    'As the one to beat, for images and sounds; after `thin-padding` for windows that are [full of speech](/speech).',
  'quasi-random':
    'As the one to beat, for images: evenly spread patches often do as well as chosen ones, and cost nothing to choose.',
  truncate: 'As the one to beat, for texts: shorter inputs need no pruning at all.',
  streaming: 'Caches of [decoders](/decoders): the first tokens and the last ones.',
}

/** Methods whose commands are shown on other files than a classifier of texts: caches of a decoder, an encoder of speech, folders of images. */
export const filesOf: Readonly<Record<string, 'caches' | 'speech' | 'images'>> = {
  'key-diff': 'caches',
  'lag-kv': 'caches',
  'key-norm': 'caches',
  'thin-padding': 'speech',
  dynamicvit: 'images',
  diffrate: 'images',
  ltmp: 'images',
}
