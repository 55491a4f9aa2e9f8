import type { Context, Section } from '../report/section.ts'
import { measureShifts } from './measure.ts'
import { openImdbPlace, openPicturePlace, openSoundPlace, openSst2Place, type Place } from './places.ts'

export const shiftSections: readonly Section[] = [
  section('kwt1', 'kwt1: spoken words', openSoundPlace),
  section('digits-vit', 'digits-vit: handwritten digits', (context) => openPicturePlace(context, 'digits-vit')),
  section('fashion-vit', 'fashion-vit: pictures of clothing', (context) => openPicturePlace(context, 'fashion-vit')),
  section('sst2', 'minilm-sentiment: sentences of SST-2', openSst2Place),
  section('imdb', 'minilm-sentiment: reviews of IMDB', openImdbPlace),
]

function section(name: string, title: string, open: (context: Context) => Promise<Place>): Section {
  return { name, title, run: async (context) => measureShifts(context, await open(context), name) }
}
