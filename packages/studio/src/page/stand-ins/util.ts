type Callback<T> = (error: Error | null, result: T) => void;

export const promisify =
  <Given extends unknown[], T>(does: (...given: [...Given, Callback<T>]) => void) =>
  (...given: Given): Promise<T> =>
    new Promise((resolve, reject) => {
      does(...given, (error, result) => (error ? reject(error) : resolve(result)));
    });
