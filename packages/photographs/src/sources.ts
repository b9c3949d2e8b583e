import { jpeg as acanthus } from './pictures/acanthus.js';
import { jpeg as airplane } from './pictures/airplane.js';
import { jpeg as alps } from './pictures/alps.js';
import { jpeg as astronaut } from './pictures/astronaut.js';
import { jpeg as camera } from './pictures/camera.js';
import { jpeg as cat } from './pictures/cat.js';
import { jpeg as coffee } from './pictures/coffee.js';
import { jpeg as face } from './pictures/face.js';
import { jpeg as hopper } from './pictures/hopper.js';
import { jpeg as house } from './pictures/house.js';
import { jpeg as raccoon } from './pictures/raccoon.js';
import { jpeg as rocket } from './pictures/rocket.js';
import { jpeg as walkingCat } from './pictures/walking-cat.js';

/** Where a photograph comes from, and under what licence. */
export interface Source {
  readonly name: string;
  readonly shows: string;
  readonly by: string;
  readonly licence: 'CC0-1.0' | 'public domain';
  /** A JPEG file in base64. */
  readonly jpeg: string;
}

const getty = { by: 'Getty, Open Content Program', licence: 'CC0-1.0' } as const;
const nasa = { by: 'NASA', licence: 'public domain' } as const;

/** In an order in which any few that follow each other are unlike, and the last four are unlike the others. */
export const sources: readonly Source[] = [
  { name: 'face', shows: "Eileen Collins's face, a part of 'astronaut'", ...nasa, jpeg: face },
  { name: 'house', shows: 'a house left in the Dust Bowl', ...getty, jpeg: house },
  {
    name: 'raccoon',
    shows: 'a raccoon among leaves',
    by: 'public-domain-image.com',
    licence: 'public domain',
    jpeg: raccoon,
  },
  { name: 'acanthus', shows: 'Acanthus mollis, a plant', ...getty, jpeg: acanthus },
  { name: 'astronaut', shows: 'Eileen Collins in her suit', ...nasa, jpeg: astronaut },
  { name: 'airplane', shows: 'an airplane from above', ...getty, jpeg: airplane },
  { name: 'rocket', shows: 'a rocket at dusk', by: 'SpaceX', licence: 'CC0-1.0', jpeg: rocket },
  { name: 'walking-cat', shows: 'a cat that walks, many times', ...getty, jpeg: walkingCat },
  { name: 'coffee', shows: 'a cup of coffee', by: 'Rachel Michetti', licence: 'CC0-1.0', jpeg: coffee },
  {
    name: 'hopper',
    shows: 'Grace Hopper, a portrait in uniform',
    by: 'James S. Davis, US Navy',
    licence: 'public domain',
    jpeg: hopper,
  },
  { name: 'camera', shows: 'a man with a camera', by: 'Lav Varshney', licence: 'CC0-1.0', jpeg: camera },
  { name: 'cat', shows: "a cat's face", by: 'Stefan van der Walt', licence: 'CC0-1.0', jpeg: cat },
  { name: 'alps', shows: 'mountains behind woods', ...getty, jpeg: alps },
];
