/* Android's libm: the AAR names it and asks for nothing in it. */
void edgellm_no_symbol(void) {}
