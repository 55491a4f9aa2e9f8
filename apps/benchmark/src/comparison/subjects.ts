import type { Dataset } from '@tp/data/inputs'
import type { Files } from '../files.ts'
import { type MeasuredSubject, openSubject } from '../measure/subject.ts'
import { type DataSplit, sentencesElsewhere } from '../registry/data.ts'
import { type SubjectForm, subjects } from '../registry/subjects.ts'

/** A subject with how much of it is compared. */
export interface ComparedForm extends SubjectForm {
  /** Examples of each split at most; without calibration data nothing is chosen. */
  readonly examples: Readonly<Record<DataSplit, number>>
  /** It is timed in batches of all shapes, for which texts have to be long enough. */
  readonly grid: boolean
  /** Data of the same classes from elsewhere, by name. */
  readonly elsewhere?: () => Promise<Readonly<Record<string, Dataset>>>
  /** Trained files that are of this model and task: how their names begin. */
  readonly learned?: string
}

const many = { calibration: 1000, test: 2000 }

export const comparedForms: readonly ComparedForm[] = [
  { ...subjects.mail, examples: { calibration: 699, test: 1257 }, grid: true },
  { ...subjects['digits-vit'], examples: { calibration: 500, test: 1008 }, grid: true },
  {
    ...subjects['minilm-imdb'],
    examples: { calibration: 400, test: 500 },
    grid: true,
    elsewhere: sentencesElsewhere,
    learned: 'imdb-',
  },
  {
    ...subjects['minilm-sst2'],
    examples: { calibration: 800, test: 872 },
    grid: false,
    elsewhere: sentencesElsewhere,
    learned: '',
  },
  { ...subjects['fashion-vit'], examples: many, grid: true, learned: 'fashion-' },
  { ...subjects['vit-mnist'], examples: many, grid: true },
  { ...subjects.kwt1, examples: { calibration: 0, test: 100 }, grid: true },
]

/** A split with at most so many examples. */
export function openCompared(
  files: Files,
  form: ComparedForm,
  split: DataSplit,
  examples: number,
): Promise<MeasuredSubject> {
  return openSubject(files, form, split, Math.min(examples, form.examples[split]))
}
