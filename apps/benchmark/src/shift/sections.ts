import type { Context, Section } from '../report/section.ts'
import { measureShifts } from './measure.ts'
import { openImagePlace, openImdbPlace, openSoundPlace, openSst2Place, type Place } from './places.ts'

export const shiftSections: readonly Section[] = [
  section('kwt1', 'kwt1: spoken words', openSoundPlace),
  section('digits-vit', 'digits-vit: handwritten digits', (context) => openImagePlace(context, 'digits-vit')),
  section('fashion-vit', 'fashion-vit: images of clothing', (context) => openImagePlace(context, 'fashion-vit')),
  section('sst2', 'minilm-sentiment: sentences of SST-2', openSst2Place),
  section('imdb', 'minilm-sentiment: reviews of IMDB', openImdbPlace),
]

function section(name: string, title: string, open: (context: Context) => Promise<Place>): Section {
  return { name, title, run: async (context) => measureShifts(context, await open(context), name) }
}
