// The one import.
import { methods } from '@tp/method-attention'
import { pruneModels } from '@tp/transformers'
import { plans } from './plans.ts'

pruneModels({ methods, plans })
