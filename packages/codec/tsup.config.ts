import base from '../../tsup.config.js';

export default {
  ...base,
  // Numbers that have names in the inner loops are written into them; names of properties that are nobody's business
  // are shortened, for the sake of the browser's decoder.
  esbuildOptions: (options: {
    minifySyntax?: boolean;
    mangleProps?: RegExp;
    tsconfig?: string;
    tsconfigRaw?: object;
  }): void => {
    // Fields that constructors set anyway are not declared beside that.
    delete options.tsconfig;
    options.tsconfigRaw = { compilerOptions: { useDefineForClassFields: false } };
    options.minifySyntax = true;
    options.mangleProps =
      /^(itemBytes|negative|positive|tuning|groups|headerLength|fileLength|uint|varint|take|lines|rows|book|storage|finish|states|coder|constant|literal|position|meta|crc|kind|copied|levels|same|start|state|check|copy|base|scales|predictor|lag|terms|offset|bytes|count|total|stored|parts|numbersLeft|recent|known)$/;
  },
  entry: ['src/index.ts', 'src/decoder.ts', 'src/streaming.ts', 'src/update.ts', 'src/han/index.ts'],
};
