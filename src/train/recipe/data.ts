// What a recipe says of its data.
import {z} from 'zod';
import {batchFields, sourceSpec} from '../data/spec.js';

export const dataFields = {
  data: z
    .strictObject({
      /** Where samples come from, each by a name that phases can choose it by. */
      sources: z.record(z.string(), sourceSpec),
      ...batchFields,
    })
    .refine(({sources}) => Object.keys(sources).length > 0, {message: 'has no sources'})
    .refine(
      ({mix, sources}) => mix === 'perStep' || Object.values(sources).every(({batch}) => !batch),
      {message: 'a source has a batch of its own only with mix: perStep'},
    ),
};

export const dataSchema = z.strictObject(dataFields);

export type RecipeData = z.infer<typeof dataSchema>['data'];
