/** The middle one of some numbers; of an even count the upper of the two. */
export const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

export const round = (value, digits) => Number(value.toFixed(digits));
