import { exampleMails } from '../text/example-mails.ts'

export interface TextSample {
  readonly title: string
  readonly text: string
}

const neutral: readonly TextSample[] = [
  {
    title: 'About rivers',
    text: 'A river begins where water gathers: at a spring, below a glacier, or in a marsh. It takes the lowest way to the sea or to a lake, and on that way it wears away rock in one place and lays down sand in another. In the hills it is narrow and fast and cuts deep valleys. In the plain it slows down, and turns from side to side in wide bends, which move over the years; when a bend is cut off, a curved lake remains. Where the river meets the sea it often divides into several arms, and the mud that it has carried builds new land between them. People have lived along rivers for as long as there have been people, because they give water, fish and a road.',
  },
  { title: 'One sentence', text: 'The train to the coast leaves at ten past eight from the second platform.' },
]

/** Texts by what a model tells apart, as its labels say. */
const byTask: readonly { readonly labels: RegExp; readonly samples: readonly TextSample[] }[] = [
  { labels: /\b(ham|spam)\b/i, samples: exampleMails },
  {
    labels: /^(positive|negative|pos|neg|[1-5] stars?)$/i,
    samples: [
      {
        title: 'A good review',
        text: 'I did not expect much from a film about two brothers who repair an old boat, and then I could not look away. The actors say little and show everything, the light on the water is beautiful, and the quiet scene in the kitchen near the end is the best that I have seen all year. My father, who never goes to the cinema, wanted to see it again the next day. Warm, funny and honest.',
      },
      {
        title: 'A bad review',
        text: 'The phone looks nice, and that is all there is to say for it. The battery is empty by noon, the camera takes blurred photos as soon as a cloud comes by, and after the last update it forgets the network every hour. I wrote to the service twice and got the same useless answer. I sent it back after ten days and would not take another one as a gift.',
      },
    ],
  },
  {
    labels: /^(joy|sadness|anger|fear|surprise|love|disgust)$/i,
    samples: [
      { title: 'Joy', text: 'She passed the exam, and we danced through the kitchen until the neighbours joined us.' },
      { title: 'Fear', text: 'I heard steps on the stairs, and I knew that nobody else should be in the house.' },
    ],
  },
  {
    labels: /^(world|sports?|business|sci.?tech|technology|politics)$/i,
    samples: [
      {
        title: 'Sport',
        text: 'The visitors scored twice in the last five minutes and took the cup home for the first time in thirty years.',
      },
      {
        title: 'Business',
        text: 'Shares of the company fell by nine per cent after it said that sales in the third quarter were below its own forecast.',
      },
    ],
  },
  {
    labels: /^[BI]-(PER|LOC|ORG|MISC)/i,
    samples: [
      {
        title: 'Names',
        text: 'Marie Curie was born in Warsaw, studied at the Sorbonne in Paris and received the prize in Stockholm in 1903, together with Pierre Curie and Henri Becquerel.',
      },
    ],
  },
]

/** Texts for a model of which only the labels are known, those that fit its task first. */
export function textSamples(labels: readonly string[] | undefined): readonly TextSample[] {
  const task = byTask.find((each) => labels?.some((label) => each.labels.test(label)))
  return [...(task?.samples ?? []), ...neutral]
}
