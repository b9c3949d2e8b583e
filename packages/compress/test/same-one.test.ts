import { testSame } from './same.js';

testSame(1);
